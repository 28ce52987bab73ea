-- Version 5: leads that never arrived are looked for in the CRM they live in.

-- When the record was made in the CRM, of a lead that was found there because its webhook never came.
ALTER TABLE leads ADD COLUMN made_at TEXT;

-- Each look into a CRM. It is no lead, but its id stands where jobs have a lead's.
CREATE TABLE reconciles (
    id         TEXT NOT NULL PRIMARY KEY,             -- UUIDv7
    channel    TEXT NOT NULL,                         -- such as crm:hubspot
    source     TEXT NOT NULL,                         -- whose leads they are
    why        TEXT NOT NULL CHECK (why IN ('nightly', 'start', 'operator')),
    from_at    TEXT NOT NULL,                         -- records that were made or converted since,
    until_at   TEXT NOT NULL,                         -- and before this
    dry_run    INTEGER NOT NULL CHECK (dry_run IN (0, 1)), -- 1: it only tells what it would take in
    state      TEXT NOT NULL CHECK (state IN ('running', 'done', 'failed')),
    expected   INTEGER,                               -- records in the window, where the CRM says so
    found      INTEGER NOT NULL DEFAULT 0,            -- records read so far,
    known      INTEGER NOT NULL DEFAULT 0,            -- of which had arrived,
    empty      INTEGER NOT NULL DEFAULT 0,            -- hold no message,
    erased     INTEGER NOT NULL DEFAULT 0,            -- are of people who were erased,
    older      INTEGER NOT NULL DEFAULT 0,            -- were made before the desk's first start,
    missed     INTEGER NOT NULL DEFAULT 0,            -- never arrived
    started_at TEXT NOT NULL,
    ended_at   TEXT,
    reason     TEXT                                   -- why it failed
) STRICT, WITHOUT ROWID;
CREATE INDEX reconciles_channel ON reconciles (channel, started_at);

-- The records that never arrived, and what became of them.
CREATE TABLE reconcile_finds (
    reconcile_id TEXT NOT NULL,
    record       TEXT NOT NULL,                       -- the CRM's id of it
    made_at      TEXT NOT NULL,
    lead_id      TEXT,                                -- none in a dry run
    PRIMARY KEY (reconcile_id, record)
) STRICT, WITHOUT ROWID;

-- Records of people who were erased: hashes of CRM and record, so that they are never taken in again.
CREATE TABLE erased_records (
    hash TEXT NOT NULL PRIMARY KEY,
    at   TEXT NOT NULL
) STRICT, WITHOUT ROWID;
