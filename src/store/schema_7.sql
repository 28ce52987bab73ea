-- Version 7: what is open is found by one index, which a claim leaves as it is.

-- An open job has no end. One that was given an end by hand would never be claimed.
UPDATE jobs SET ended_at = NULL WHERE state IN ('ready', 'leased', 'unknown') AND ended_at IS NOT NULL;
DROP INDEX jobs_due;
DROP INDEX jobs_leased;
CREATE INDEX jobs_open ON jobs (channel, priority, due_at) WHERE ended_at IS NULL;
