-- What people look at. Times in the views are UTC; *_local are the box's own time zone.

DROP VIEW IF EXISTS v_leads;
CREATE VIEW v_leads AS
SELECT l.number, l.code, l.id AS lead_id, l.received_at, l.made_at,
       datetime(l.received_at, 'localtime') AS received_local,
       l.source, l.name, l.email, l.phone_text AS phone,
       coalesce(l.label, CASE WHEN l.provisional_at IS NOT NULL THEN 'unclassified' END) AS class,
       l.classified_by,
       CASE WHEN EXISTS (SELECT 1 FROM dead_letters d WHERE d.lead_id = l.id AND d.closed_at IS NULL) THEN 'needs a person'
            WHEN l.dropped_as = 'duplicate' THEN 'duplicate of ' || coalesce((SELECT o.code FROM leads o WHERE o.id = l.duplicate_of), l.duplicate_of)
            WHEN l.dropped_as = 'empty' THEN 'no message in the CRM'
            WHEN l.settled_at IS NOT NULL THEN 'settled'
            WHEN l.routed_at IS NOT NULL THEN 'being acted on'
            WHEN l.provisional_at IS NOT NULL THEN 'alerted, not classified yet'
            ELSE 'being read' END AS state,
       (SELECT group_concat(s.channel || ' ' || s.state, ', ') FROM sms_messages s WHERE s.lead_id = l.id) AS texts,
       (SELECT CASE c.state WHEN 'claimed' THEN 'claimed by ' || c.claimed_by ELSE c.state END
          FROM claims c WHERE c.lead_id = l.id) AS claim,
       (SELECT min(round((julianday(s.submitted_at) - julianday(l.received_at)) * 86400.0, 1))
          FROM sms_messages s WHERE s.lead_id = l.id AND s.state <> 'unknown') AS seconds_to_sms,
       -- Of texts that called a person: what a person was answered comes later and says nothing of speed.
       (SELECT min(round((julianday(s.submitted_at) - julianday(l.received_at)) * 86400.0, 1))
          FROM sms_messages s LEFT JOIN jobs j ON j.id = s.job_id
         WHERE s.lead_id = l.id AND s.state <> 'unknown' AND NOT coalesce(json_extract(j.payload, '$.is_answer'), 0)) AS seconds_to_submitted,
       (SELECT min(round((julianday(s.delivered_at) - julianday(l.received_at)) * 86400.0, 1))
          FROM sms_messages s LEFT JOIN jobs j ON j.id = s.job_id
         WHERE s.lead_id = l.id AND NOT coalesce(json_extract(j.payload, '$.is_answer'), 0)) AS seconds_to_delivered,
       (SELECT round((julianday(c.claimed_at) - julianday(l.received_at)) * 86400.0, 1)
          FROM claims c WHERE c.lead_id = l.id AND c.state = 'claimed') AS seconds_to_claim,
       (SELECT count(*) FROM inbox i WHERE i.lead_id = l.id AND i.verdict IN ('duplicate', 'repeat')) AS repeats,
       (SELECT round(sum(c.cost_micros) / 1000000.0, 6) FROM llm_calls c WHERE c.lead_id = l.id) AS model_cost,
       coalesce(l.message, l.raw_message) AS message
  FROM leads l
 ORDER BY l.number DESC;

DROP VIEW IF EXISTS v_timeline;
CREATE VIEW v_timeline AS
SELECT lead_id, at, datetime(at, 'localtime') AS at_local, what, detail
  FROM (SELECT lead_id, received_at AS at, CASE method WHEN 'RECONCILE' THEN 'found in the CRM, as its webhook never came' ELSE 'webhook ' || verdict END AS what,
               method || ' ' || target AS detail
          FROM inbox WHERE lead_id IS NOT NULL
        UNION ALL
        SELECT lead_id, at, 'model ' || provider || CASE WHEN label IS NULL THEN ' gave no label' ELSE ' says ' || label END,
               coalesce(error, answer, '')
          FROM llm_calls
        UNION ALL
        SELECT j.lead_id, a.started_at, j.kind || ' started on ' || j.channel || CASE a.mode WHEN 'look_up' THEN ' (look-up)' ELSE '' END,
               coalesce(a.request, '')
          FROM attempts a JOIN jobs j ON j.id = a.job_id
         WHERE j.kind <> 'sms_status' OR a.outcome <> 'done'
        UNION ALL
        SELECT j.lead_id, a.ended_at, j.kind || ' on ' || j.channel || ': ' || coalesce(a.outcome, 'no answer yet'),
               coalesce(a.reason, CASE WHEN j.kind = 'ring' THEN j.result END, a.response, '')
          FROM attempts a JOIN jobs j ON j.id = a.job_id
         WHERE a.ended_at IS NOT NULL AND (j.kind <> 'sms_status' OR a.outcome <> 'done')
        UNION ALL
        SELECT lead_id, ended_at, kind || ' on ' || channel || ' ' || state, coalesce(result, '')
          FROM jobs WHERE state IN ('cancelled', 'dead') AND ended_at IS NOT NULL
        UNION ALL
        SELECT lead_id, at, CASE what WHEN 'skipped' THEN 'a step was skipped' WHEN 'explained' THEN 'what can be answered was explained' ELSE 'lead ' || what END, coalesce(who, detail, '') FROM claim_log
        UNION ALL
        SELECT m.lead_id, r.at, 'report on ' || m.channel || ': ' || replace(r.fate, '-', ' '),
               coalesce('part ' || r.part || ' of ' || p.total || ', ', '') || 'to ' || r.number || ', status ' || r.status
          FROM sms_messages m JOIN sms_reports r ON r.job_id = m.job_id
          LEFT JOIN sms_parts p ON p.job_id = r.job_id AND p.generation = r.generation AND p.part = r.part
        UNION ALL
        SELECT lead_id, delivered_at, 'text on ' || channel || ' delivered', 'to ' || who
          FROM sms_messages WHERE delivered_at IS NOT NULL
        UNION ALL
        SELECT lead_id, failed_at, 'text on ' || channel || ' not delivered', coalesce(failure, '')
          FROM sms_messages WHERE failed_at IS NOT NULL
        UNION ALL
        SELECT id, provisional_at, 'routed without a label', '' FROM leads WHERE provisional_at IS NOT NULL
        UNION ALL
        SELECT id, routed_at, 'routed as ' || coalesce(label, ''), '' FROM leads WHERE routed_at IS NOT NULL
        UNION ALL
        SELECT id, settled_at, 'settled', '' FROM leads WHERE settled_at IS NOT NULL)
 ORDER BY lead_id, at;

DROP VIEW IF EXISTS v_failures;
CREATE VIEW v_failures AS
SELECT d.id, d.at, datetime(d.at, 'localtime') AS at_local, d.stage, d.class, d.reason, d.what_to_do,
       l.code, l.name, l.phone_text AS phone, l.email, d.lead_id, d.job_id, d.inbox_id, d.payload
  FROM dead_letters d LEFT JOIN leads l ON l.id = d.lead_id
 WHERE d.closed_at IS NULL
 ORDER BY d.at DESC;

DROP VIEW IF EXISTS v_today;
CREATE VIEW v_today AS
SELECT coalesce(label, 'unclassified') AS class, count(*) AS leads,
       sum(settled_at IS NOT NULL) AS settled,
       (SELECT count(*) FROM sms_messages s WHERE date(s.submitted_at, 'localtime') = date('now', 'localtime')) AS texts_today,
       (SELECT count(*) FROM dead_letters d WHERE d.closed_at IS NULL) AS open_dead_letters,
       (SELECT round(coalesce(sum(cost_micros), 0) / 1000000.0, 4) FROM llm_calls c
         WHERE date(c.at, 'localtime') = date('now', 'localtime')) AS model_cost_today
  FROM leads
 WHERE date(received_at, 'localtime') = date('now', 'localtime') AND dropped_as IS NULL
 GROUP BY coalesce(label, 'unclassified');

-- Requests that made no lead, and why; counted by day.
DROP VIEW IF EXISTS v_no_lead;
CREATE VIEW v_no_lead AS
SELECT date(received_at, 'localtime') AS day, source, verdict, reason, count(*) AS requests, max(received_at) AS last_at
  FROM inbox
 WHERE verdict IN ('ignored', 'gate_failed', 'held')
 GROUP BY day, source, verdict, reason
 ORDER BY day DESC, requests DESC;

DROP VIEW IF EXISTS v_llm_calls;
CREATE VIEW v_llm_calls AS
SELECT c.lead_id, c.at, c.provider, c.model, p.text AS instructions, c.prompt, c.answer, c.label,
       c.prompt_tokens, c.completion_tokens, c.cost_micros, c.latency_ms, c.request_id, c.error
  FROM llm_calls c JOIN prompts p ON p.id = c.prompt_id;

-- What models were asked and what it cost, by day: as billed, and as it counts against the caps (what an answer that never
-- came may have cost counts at its most).
DROP VIEW IF EXISTS v_spend;
CREATE VIEW v_spend AS
SELECT day, provider, sum(calls) AS calls, sum(prompt_tokens) AS prompt_tokens, sum(completion_tokens) AS completion_tokens,
       round(sum(cost_micros) / 1000000.0, 6) AS cost, round(sum(counted_micros) / 1000000.0, 6) AS counted
  FROM (SELECT date(at, 'localtime') AS day, provider, 1 AS calls, coalesce(prompt_tokens, 0) AS prompt_tokens,
               coalesce(completion_tokens, 0) AS completion_tokens, coalesce(cost_micros, 0) AS cost_micros, 0 AS counted_micros
          FROM llm_calls
        UNION ALL
        SELECT date(a.started_at, 'localtime'), substr(j.channel, 5), 0, 0, 0, 0, a.cost_micros
          FROM attempts a JOIN jobs j ON j.id = a.job_id
         WHERE a.cost_micros IS NOT NULL)
 GROUP BY day, provider
 ORDER BY day DESC, provider;

DROP VIEW IF EXISTS v_spend_by_month;
CREATE VIEW v_spend_by_month AS
SELECT substr(day, 1, 7) AS month, provider, sum(calls) AS calls, sum(prompt_tokens) AS prompt_tokens,
       sum(completion_tokens) AS completion_tokens, round(sum(cost), 6) AS cost, round(sum(counted), 6) AS counted
  FROM v_spend
 GROUP BY substr(day, 1, 7), provider
 ORDER BY month DESC, provider;

-- Texts that came in, newest first: whole ones, and those of which a part has not come.
DROP VIEW IF EXISTS v_inbound;
CREATE VIEW v_inbound AS
SELECT i.id, i.at, datetime(i.at, 'localtime') AS at_local, i.modem, i.number, i.text,
       CASE WHEN i.reason IS NOT NULL THEN 'unreadable'
            WHEN i.missing = 0 THEN 'whole'
            WHEN i.at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day') THEN 'waits for ' || i.missing || ' of ' || i.total || ' parts'
            ELSE i.missing || ' of ' || i.total || ' parts never came' END AS state,
       i.reason, i.sent_at, i.answerable, i.class
  FROM sms_inbound i
 ORDER BY i.id DESC;

-- Each modem as it was last heard of, with what its SIM has sent.
DROP VIEW IF EXISTS v_modem;
CREATE VIEW v_modem AS
SELECT l.modem, l.state, l.at AS since, datetime(l.at, 'localtime') AS since_local, l.reason, l.cure, l.next, l.rung,
       (SELECT count(*) FROM sms_parts p WHERE p.modem = l.modem
           AND p.written_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 hour')) AS parts_last_hour,
       (SELECT count(*) FROM sms_parts p WHERE p.modem = l.modem
           AND p.written_at > strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day')) AS parts_last_day,
       (SELECT max(r.at) FROM sms_reports r WHERE r.modem = l.modem) AS last_report_at
  FROM modem_log l
 WHERE l.id = (SELECT max(n.id) FROM modem_log n WHERE n.modem = l.modem)
 ORDER BY l.modem;

-- Texts that tested whether the phones of those on call are reached, newest first.
DROP VIEW IF EXISTS v_oncall_tests;
CREATE VIEW v_oncall_tests AS
SELECT c.at, datetime(c.at, 'localtime') AS at_local, c.key, c.who, c.channel, c.state,
       coalesce(m.state, j.state) AS text, coalesce(m.failure, CASE WHEN m.job_id IS NULL THEN j.result END) AS failure,
       m.submitted_at, m.delivered_at, c.answered_at, c.id
  FROM canaries c
  LEFT JOIN jobs j ON j.lead_id = c.id AND j.kind = 'sms' AND json_extract(j.payload, '$.is_test')
  LEFT JOIN sms_messages m ON m.job_id = j.id
 WHERE c.state <> 'known'
 ORDER BY c.at DESC;

-- Looks for leads that never arrived, newest first.
DROP VIEW IF EXISTS v_reconciles;
CREATE VIEW v_reconciles AS
SELECT r.started_at, datetime(r.started_at, 'localtime') AS started_local, r.channel, r.why, r.state,
       r.from_at, r.until_at, r.dry_run, r.expected, r.found, r.known, r.empty, r.erased, r.older, r.missed, r.reason, r.ended_at,
       (SELECT group_concat(coalesce(l.code, f.record), ', ') FROM reconcile_finds f LEFT JOIN leads l ON l.id = f.lead_id
         WHERE f.reconcile_id = r.id) AS missed_leads
  FROM reconciles r
 ORDER BY r.started_at DESC;

-- Follow-up mails that a server took, or may have, newest first.
DROP VIEW IF EXISTS v_mails;
CREATE VIEW v_mails AS
SELECT m.at, datetime(m.at, 'localtime') AS at_local, l.code, m.state, json_extract(j.payload, '$.subject') AS subject,
       m.message_id, m.lead_id, m.job_id
  FROM mails m LEFT JOIN leads l ON l.id = m.lead_id LEFT JOIN jobs j ON j.id = m.job_id
 ORDER BY m.at DESC;
