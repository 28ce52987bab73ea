-- Version 3: urgent leads wait for a person who takes them on.

-- One row for each lead that people were called for. A lead is claimed by answering its code.
CREATE TABLE claims (
    lead_id    TEXT NOT NULL PRIMARY KEY,
    code       TEXT NOT NULL,                         -- no two leads that wait have the same
    opened_at  TEXT NOT NULL,                         -- when the first person was called
    state      TEXT NOT NULL CHECK (state IN ('open', 'claimed', 'unanswered', 'withdrawn')),
    round      INTEGER NOT NULL,                      -- of the escalation chain: 1, and one more each time it began again
    step       INTEGER NOT NULL,                      -- of the chain, from 0: who was called last
    called     TEXT NOT NULL,                         -- by name
    claimed_by TEXT,
    claimed_at TEXT
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX claims_wanted ON claims (code) WHERE state IN ('open', 'unanswered');
CREATE INDEX claims_code ON claims (code, opened_at);

-- What happened to each of them, in the order in which it was written: the first that claims a lead has it.
CREATE TABLE claim_log (
    id      INTEGER PRIMARY KEY,
    lead_id TEXT NOT NULL,
    at      TEXT NOT NULL,
    what    TEXT NOT NULL CHECK (what IN ('called', 'claimed', 'passed', 'reopened', 'unanswered', 'withdrawn')),
    who     TEXT                                      -- the person
) STRICT;
CREATE INDEX claim_log_lead ON claim_log (lead_id);
