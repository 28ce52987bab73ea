-- Version 6: follow-up mails, addresses that must not be written to, and what models may cost.

-- Every mail to a prospect that a server took, or may have. Addresses stand as keyed hashes: who is erased stays unknown.
CREATE TABLE mails (
    job_id       TEXT NOT NULL PRIMARY KEY,
    lead_id      TEXT NOT NULL,
    address_hash TEXT NOT NULL,
    message_id   TEXT NOT NULL,                       -- the same on each try
    state        TEXT NOT NULL CHECK (state IN ('sent', 'unknown')),
    at           TEXT NOT NULL
) STRICT;
CREATE INDEX mails_address ON mails (address_hash, at);
CREATE INDEX mails_at ON mails (at);

-- Addresses that get no mail, as keyed hashes.
CREATE TABLE mail_suppressions (
    address_hash TEXT NOT NULL PRIMARY KEY,
    reason       TEXT NOT NULL CHECK (reason IN ('unsubscribed', 'bounced', 'operator')),
    at           TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- Of questions to a model that has a price, in millionths of its currency: the most it can cost while it is open, and
-- what it did cost once that is known.
ALTER TABLE attempts ADD COLUMN cost_micros INTEGER;
CREATE INDEX attempts_cost ON attempts (started_at, cost_micros) WHERE cost_micros IS NOT NULL;
