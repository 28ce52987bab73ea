-- Version 8: one index of the parts of texts. There are few in a day, so that whose they are needs none of its own.

DROP INDEX sms_parts_sim;
DROP INDEX sms_parts_modem;
CREATE INDEX sms_parts_written ON sms_parts (written_at, sim);
