-- nightdesk's one file of data, made to be read by people: times are UTC text, enumerations are words, JSON is text.
-- Nothing here is newer than SQLite 3.40. Nobody but the daemon writes; open it read-only.

-- One webhook as it arrived. Its body is on disk before the sender gets a 2xx.
CREATE TABLE inbox (
    id           TEXT NOT NULL PRIMARY KEY,           -- UUIDv7
    received_at  TEXT NOT NULL,
    source       TEXT NOT NULL,                       -- name of the configured source
    method       TEXT NOT NULL,
    target       TEXT NOT NULL,                       -- path and query; a secret segment is ***
    headers      TEXT NOT NULL CHECK (json_valid(headers)), -- [[name, value], ...]; secrets are ***
    body         ANY  NOT NULL,                       -- TEXT if it is UTF-8, else BLOB
    verdict      TEXT NOT NULL CHECK (verdict IN ('accepted', 'duplicate', 'repeat', 'gate_failed', 'ignored', 'held')),
    reason       TEXT,                                -- why the gate failed, why it is ignored or held
    lead_id      TEXT,                                -- the lead it made, or the one it repeats
    event_key    TEXT,                                -- the sender's id of the event, where there is one
    content_key  TEXT,                                -- hash of account, record, message, e-mail and phone, or of the body
    part         INTEGER NOT NULL DEFAULT 0,          -- which one of a request that tells of several
    request_id   TEXT,                                -- the row with the body, where it isn't this one
    signed_at    TEXT                                 -- held: when its sender says it was signed
) STRICT;
CREATE INDEX inbox_held ON inbox (received_at) WHERE verdict = 'held';
CREATE INDEX inbox_unread ON inbox (lead_id) WHERE verdict = 'accepted' AND content_key IS NULL;
CREATE INDEX inbox_event ON inbox (source, event_key) WHERE event_key IS NOT NULL;
CREATE INDEX inbox_content ON inbox (content_key) WHERE verdict = 'accepted';

-- Who wrote, what they want, what we concluded.
CREATE TABLE leads (
    number         INTEGER PRIMARY KEY,               -- counts up; the code is made from it
    id             TEXT NOT NULL UNIQUE,              -- UUIDv7
    code           TEXT NOT NULL,                     -- short name for people (K7)
    source         TEXT NOT NULL,
    received_at    TEXT NOT NULL,
    crm_channel    TEXT,                              -- such as crm:hubspot
    crm_record     TEXT,                              -- the vendor's id of the contact, also where no CRM is configured
    name           TEXT,
    email          TEXT,
    phone_text     TEXT,                              -- as typed
    phone          TEXT,                              -- E.164, only if it is a valid number
    raw_message    TEXT NOT NULL,                     -- empty until its record was read
    message        TEXT,                              -- clean text
    label          TEXT CHECK (label IN ('URGENT_BUYER', 'TIRE_KICKER', 'SUPPORT_REQUEST', 'SPAM')),
    classified_by  TEXT CHECK (classified_by IN ('llm', 'llm-fallback', 'person')),
    provisional_at TEXT,                              -- routed without a label, because no model answered in time
    routed_at      TEXT,
    settled_at     TEXT,                              -- the last of its jobs ended
    dropped_as     TEXT CHECK (dropped_as IN ('duplicate', 'empty')), -- its record was read and is no new lead
    duplicate_of   TEXT                               -- the lead that it repeats
) STRICT;

-- The outbox: every effect and every timer.
CREATE TABLE jobs (
    id          TEXT NOT NULL PRIMARY KEY,            -- UUIDv7
    lead_id     TEXT NOT NULL,
    kind        TEXT NOT NULL,
    channel     TEXT NOT NULL,                        -- desk, llm:..., sms:..., crm:...
    priority    INTEGER NOT NULL,                     -- 0 urgent, 1 normal, 2 low
    state       TEXT NOT NULL CHECK (state IN ('ready', 'leased', 'unknown', 'done', 'dead', 'cancelled')),
    due_at      TEXT NOT NULL,
    deadline_at TEXT NOT NULL,                        -- given up after this
    tries       INTEGER NOT NULL DEFAULT 0,           -- in this generation
    attempt_id  INTEGER NOT NULL DEFAULT 0,           -- last attempt; with boot_id, the lease
    boot_id     TEXT,                                 -- set while leased
    generation  INTEGER NOT NULL DEFAULT 1,           -- one more for each requeue
    crashes     INTEGER NOT NULL DEFAULT 0,           -- process deaths with an attempt open
    payload     TEXT NOT NULL CHECK (json_valid(payload)),
    result      TEXT,                                 -- what came of it: a reference, or the last failure in words
    created_at  TEXT NOT NULL,
    ended_at    TEXT
) STRICT;
CREATE INDEX jobs_due ON jobs (channel, priority, due_at) WHERE state IN ('ready', 'unknown');
CREATE INDEX jobs_lead ON jobs (lead_id);
CREATE INDEX jobs_leased ON jobs (boot_id) WHERE state = 'leased';

-- Every try, written before the effect starts and finished after it. A row with no end is an unknown outcome.
CREATE TABLE attempts (
    job_id     TEXT NOT NULL,
    attempt_id INTEGER NOT NULL,                      -- counts from 1, never starts again
    boot_id    TEXT NOT NULL,
    mode       TEXT NOT NULL CHECK (mode IN ('run', 'look_up')),
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    outcome    TEXT CHECK (outcome IN ('done', 'absent', 'unsure', 'transient', 'throttled', 'auth', 'unknown', 'permanent', 'crash')),
    reason     TEXT,                                  -- in words
    request    TEXT,
    response   TEXT,
    status     INTEGER,                               -- HTTP status or modem error number
    vendor_id  TEXT,                                  -- the vendor's request id, for a support case
    latency_ms INTEGER,
    PRIMARY KEY (job_id, attempt_id)
) STRICT;

-- The instructions of the language model; they change with the configuration, not with the lead.
CREATE TABLE prompts (
    id   TEXT NOT NULL PRIMARY KEY,                   -- hash of the text
    text TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Every call of a language model: what was asked, what it answered, what it cost.
CREATE TABLE llm_calls (
    lead_id           TEXT NOT NULL,
    at                TEXT NOT NULL,
    provider          TEXT NOT NULL,
    model             TEXT NOT NULL,
    prompt_id         TEXT NOT NULL REFERENCES prompts (id), -- the instructions; v_llm_calls shows them
    prompt            TEXT NOT NULL,                  -- the rest, exactly as sent
    answer            TEXT,                           -- exactly as it came
    label             TEXT,
    prompt_tokens     INTEGER,
    completion_tokens INTEGER,
    cost_micros       INTEGER,                        -- millionths of the price's currency
    latency_ms        INTEGER NOT NULL,
    request_id        TEXT,
    error             TEXT
) STRICT;
CREATE INDEX llm_calls_lead ON llm_calls (lead_id);

-- Every text that was handed to a network, or may have been.
CREATE TABLE sms_messages (
    job_id       TEXT NOT NULL PRIMARY KEY,
    lead_id      TEXT NOT NULL,
    channel      TEXT NOT NULL,
    who          TEXT NOT NULL,
    number       TEXT NOT NULL,
    text         TEXT NOT NULL,
    repeat       INTEGER NOT NULL CHECK (repeat IN (0, 1)), -- the one marked repeat after an unknown outcome
    state        TEXT NOT NULL CHECK (state IN ('submitted', 'delivered', 'unknown')),
    reference    TEXT,                                -- sid, or the modem's message references
    parts        INTEGER,
    submitted_at TEXT NOT NULL
) STRICT;

-- What can't succeed by itself. Nothing is deleted: the reason and what to do are in words.
CREATE TABLE dead_letters (
    id          INTEGER PRIMARY KEY,                  -- the number for `nightdesk dlq`
    at          TEXT NOT NULL,
    stage       TEXT NOT NULL,                        -- gate, classify, desk, sms, crm
    class       TEXT NOT NULL,                        -- permanent, unknown, crash, ...
    reason      TEXT NOT NULL,
    what_to_do  TEXT NOT NULL,
    job_id      TEXT,                                 -- the job, or
    inbox_id    TEXT,                                 -- the webhook that died at the gate
    lead_id     TEXT,
    payload     TEXT NOT NULL,                        -- what it was to do
    closed_at   TEXT,
    closed_as   TEXT CHECK (closed_as IN ('requeued', 'discarded'))
) STRICT;
CREATE INDEX dead_letters_open ON dead_letters (at) WHERE closed_at IS NULL;
CREATE INDEX dead_letters_job ON dead_letters (job_id) WHERE job_id IS NOT NULL;

-- Requests that failed to authenticate: kept a week, at most 200, without effects, so that a mistyped secret loses nothing.
CREATE TABLE quarantine (
    id          INTEGER PRIMARY KEY,
    received_at TEXT NOT NULL,
    source      TEXT NOT NULL,
    method      TEXT NOT NULL,
    target      TEXT NOT NULL,
    headers     TEXT NOT NULL CHECK (json_valid(headers)),
    body        ANY  NOT NULL,
    reason      TEXT NOT NULL,
    replayed_at TEXT
) STRICT;

-- What a person should look at: one row a problem, counted.
CREATE TABLE alerts (
    key        TEXT NOT NULL PRIMARY KEY,             -- the problem's name, such as auth:crm:hubspot
    first_at   TEXT NOT NULL,
    last_at    TEXT NOT NULL,
    count      INTEGER NOT NULL,
    text       TEXT NOT NULL,
    cure       TEXT NOT NULL,
    cleared_at TEXT
) STRICT, WITHOUT ROWID;

-- Destinations that are not simply open: parked by a rate limit, or broken.
CREATE TABLE channels (
    name     TEXT NOT NULL PRIMARY KEY,
    state    TEXT NOT NULL CHECK (state IN ('closed', 'open', 'parked')), -- of the breaker: closed lets everything through
    until_at TEXT NOT NULL,                           -- no claim before this; then, if open, one probe
    failures INTEGER NOT NULL,                        -- in a row
    reason   TEXT NOT NULL,
    at       TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Small facts of the desk itself.
CREATE TABLE settings (
    name  TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
