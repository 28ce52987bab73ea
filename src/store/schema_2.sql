-- Version 2: what a modem must not forget, texts that come in, and what became of those that went out.

-- One part of a text that was handed to a network by a modem, or may have been. A text of one part is part 1 of 1.
CREATE TABLE sms_parts (
    job_id      TEXT NOT NULL,                        -- of a test text: a job that is in no table
    generation  INTEGER NOT NULL,
    part        INTEGER NOT NULL,                     -- from 1
    total       INTEGER NOT NULL,
    modem       TEXT NOT NULL,                        -- its name in the configuration
    sim         TEXT NOT NULL,                        -- who pays: the SIM's ICCID, or the port where that isn't known
    number      TEXT NOT NULL,
    written_at  TEXT NOT NULL,
    accepted    INTEGER NOT NULL CHECK (accepted IN (0, 1)), -- 1: the network took it; 0: it may have
    reference   INTEGER,                              -- the network's for this part (TP-MR)
    fate        TEXT CHECK (fate IN ('delivered', 'delivered-unconfirmed', 'still-trying', 'failed-permanent',
                                     'failed-temporary-gave-up', 'failed-unknown')), -- the best report so far
    reported_at TEXT,
    PRIMARY KEY (job_id, generation, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX sms_parts_sim ON sms_parts (sim, written_at);
CREATE INDEX sms_parts_modem ON sms_parts (modem, written_at);

-- Every status report of a network, as it was heard.
CREATE TABLE sms_reports (
    id         INTEGER PRIMARY KEY,
    at         TEXT NOT NULL,
    modem      TEXT NOT NULL,
    reference  INTEGER NOT NULL,                      -- TP-MR of the part it is about
    number     TEXT NOT NULL,                         -- whom that went to; may be in national form
    status     INTEGER NOT NULL,                      -- TP-ST
    fate       TEXT NOT NULL CHECK (fate IN ('delivered', 'delivered-unconfirmed', 'still-trying', 'failed-permanent',
                                             'failed-temporary-gave-up', 'failed-unknown')),
    sent_at    TEXT,                                  -- when the service centre had the text, by its clock
    pdu        TEXT NOT NULL,                         -- raw
    job_id     TEXT,                                  -- the part, once it is known
    generation INTEGER,
    part       INTEGER,
    UNIQUE (modem, at, pdu)
) STRICT;
CREATE INDEX sms_reports_job ON sms_reports (job_id) WHERE job_id IS NOT NULL;

-- Texts that came in. One that came in parts is put together here, whatever the order; v_inbound shows them all.
CREATE TABLE sms_inbound (
    id          INTEGER PRIMARY KEY,
    at          TEXT NOT NULL,                        -- when its first part was read
    modem       TEXT NOT NULL,
    number      TEXT NOT NULL,                        -- a number, a short code or a name
    answerable  INTEGER NOT NULL CHECK (answerable IN (0, 1)), -- it comes from a number that could be answered
    sent_at     TEXT,                                 -- when the service centre had it, by its clock
    class       INTEGER,                              -- 0: a flash message
    reference   INTEGER,                              -- of a text in parts; senders use each number again and again
    total       INTEGER NOT NULL,                     -- parts of the whole text
    missing     INTEGER NOT NULL,                     -- parts that have not come
    text        TEXT NOT NULL,                        -- with a mark where a part is missing or can't be read
    reason      TEXT,                                 -- why it, or a part of it, can't be read
    whole_at    TEXT                                  -- when the last part was read
) STRICT;
CREATE INDEX sms_inbound_open ON sms_inbound (modem, number, reference, total) WHERE whole_at IS NULL;

-- What the modem had: each PDU once. The same PDU again is the same text, found again after a crash.
CREATE TABLE sms_inbound_parts (
    inbound_id INTEGER NOT NULL REFERENCES sms_inbound (id),
    part       INTEGER NOT NULL,                      -- from 1
    at         TEXT NOT NULL,                         -- when it was read
    modem      TEXT NOT NULL,
    text       TEXT,                                  -- null: it can't be read
    reason     TEXT,                                  -- why
    pdu        TEXT NOT NULL,                         -- raw
    UNIQUE (modem, pdu)
) STRICT;
CREATE INDEX sms_inbound_parts_of ON sms_inbound_parts (inbound_id, part);

-- What each modem did: a row for each change. An idle one has none.
CREATE TABLE modem_log (
    id     INTEGER PRIMARY KEY,
    modem  TEXT NOT NULL,
    at     TEXT NOT NULL,
    state  TEXT NOT NULL CHECK (state IN ('absent', 'opening', 'initialising', 'sim-locked', 'searching', 'ready', 'recovering')),
    reason TEXT,                                      -- why it isn't ready
    cure   TEXT,                                      -- what to do about it
    next   TEXT,                                      -- what happens next, in words
    rung   INTEGER                                    -- of the recovery ladder, where one is tried
) STRICT;
CREATE INDEX modem_log_modem ON modem_log (modem, id);

-- Tries of PINs. One that was refused, or whose answer was lost, is never sent again.
CREATE TABLE modem_pins (
    sim     TEXT NOT NULL,                            -- the SIM's ICCID or the modem's port: each name has its row
    mark    TEXT NOT NULL,                            -- a keyed hash of the PIN; the PIN is nowhere
    at      TEXT NOT NULL,
    outcome TEXT NOT NULL CHECK (outcome IN ('unknown', 'accepted', 'refused')),
    PRIMARY KEY (sim, mark)
) STRICT, WITHOUT ROWID;

-- Devices that vanished for good when they were reset by command.
CREATE TABLE modem_harmed (
    device TEXT NOT NULL PRIMARY KEY,                 -- its IMEI, or its port
    at     TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Texts that went out know more than in version 1: that they failed, when they arrived, and why they didn't.
CREATE TABLE sms_messages_1 AS SELECT * FROM sms_messages;
DROP TABLE sms_messages;
CREATE TABLE sms_messages (
    job_id       TEXT NOT NULL PRIMARY KEY,
    lead_id      TEXT NOT NULL,
    channel      TEXT NOT NULL,
    who          TEXT NOT NULL,
    number       TEXT NOT NULL,
    text         TEXT NOT NULL,
    repeat       INTEGER NOT NULL CHECK (repeat IN (0, 1)), -- the one marked repeat after an unknown outcome
    state        TEXT NOT NULL CHECK (state IN ('unknown', 'submitted', 'delivered', 'failed')),
    reference    TEXT,                                -- sid, or the modem's message references
    parts        INTEGER,
    submitted_at TEXT NOT NULL,
    delivered_at TEXT,                                -- the phone had all of it
    failed_at    TEXT,                                -- the network gave it up
    failure      TEXT                                 -- why, in words
) STRICT;
CREATE INDEX sms_messages_lead ON sms_messages (lead_id);
INSERT INTO sms_messages (job_id, lead_id, channel, who, number, text, repeat, state, reference, parts, submitted_at)
    SELECT job_id, lead_id, channel, who, number, text, repeat, state, reference, parts, submitted_at FROM sms_messages_1;
DROP TABLE sms_messages_1;
