-- Version 4: a rota says whom urgent leads call, and operators override it.

-- Overrides that were made while the desk ran; those in the configuration stand there.
CREATE TABLE oncall_overrides (
    id           INTEGER PRIMARY KEY,
    who          TEXT,                                -- key of the person; none: nobody has duty
    from_at      TEXT NOT NULL,
    until_at     TEXT NOT NULL,
    made_at      TEXT NOT NULL,
    cancelled_at TEXT
) STRICT;

-- A lead may wait for a claim although nobody has been called: nobody had duty.
CREATE TABLE claims_4 (
    lead_id    TEXT NOT NULL PRIMARY KEY,
    code       TEXT NOT NULL,                         -- no two leads that wait have the same
    opened_at  TEXT NOT NULL,                         -- when the first person was called
    state      TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'unanswered', 'withdrawn')),
    round      INTEGER NOT NULL,                      -- of the escalation chain: 1, and one more each time it began again
    step       INTEGER NOT NULL,                      -- of the chain, from 0: who was called last
    called     TEXT,                                  -- by name
    claimed_by TEXT,
    claimed_at TEXT
) STRICT, WITHOUT ROWID;
INSERT INTO claims_4 SELECT * FROM claims;
DROP TABLE claims;
ALTER TABLE claims_4 RENAME TO claims;
CREATE UNIQUE INDEX claims_wanted ON claims (code) WHERE state IN ('open', 'unanswered');
CREATE INDEX claims_code ON claims (code, opened_at);

-- Urgent leads that wait for one text which tells of several.
CREATE TABLE claim_digests (
    lead_id TEXT NOT NULL PRIMARY KEY,
    who     TEXT NOT NULL,                            -- the person, by name
    at      TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The log of claims tells more, and why.
CREATE TABLE claim_log_4 (
    id      INTEGER PRIMARY KEY,
    lead_id TEXT NOT NULL,
    at      TEXT NOT NULL,
    what    TEXT NOT NULL CHECK (what IN ('deferred', 'skipped', 'called', 'digested', 'claimed', 'passed', 'reopened',
                                          'unanswered', 'withdrawn', 'explained')),
    who     TEXT,                                     -- the person
    detail  TEXT                                      -- why a step was skipped, until when a lead was deferred
) STRICT;
INSERT INTO claim_log_4 (id, lead_id, at, what, who) SELECT id, lead_id, at, what, who FROM claim_log;
DROP TABLE claim_log;
ALTER TABLE claim_log_4 RENAME TO claim_log;
CREATE INDEX claim_log_lead ON claim_log (lead_id);

-- Texts that test whether the phone of somebody on call is reached. They are about no lead, so they are none: the id stands
-- where jobs and texts have a lead's.
CREATE TABLE canaries (
    id          TEXT NOT NULL PRIMARY KEY,            -- UUIDv7
    key         TEXT NOT NULL,                        -- the person's, in [oncall.people]
    who         TEXT NOT NULL,                        -- the person, by name
    at          TEXT NOT NULL,                        -- when it was made; of the first row: since when the desk knows the person
    channel     TEXT,                                 -- the one it tests; none in the first row
    state       TEXT NOT NULL CHECK (state IN ('known', 'waiting', 'reached', 'silent')),
    answered_at TEXT                                  -- when the person was thanked for the answer
) STRICT, WITHOUT ROWID;
CREATE INDEX canaries_key ON canaries (key, at);
