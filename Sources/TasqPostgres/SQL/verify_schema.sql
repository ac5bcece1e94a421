-- What the schema ought to have and has not: the row that names this database to Redis, and indexes.
--
-- An index that was not built to its end is there, but of no use.
SELECT 'setting epoch' AS subject, 'epoch-missing' AS finding
WHERE NOT EXISTS (SELECT FROM tasq.setting AS s WHERE s.name = 'epoch')
UNION ALL
SELECT i.name, 'index-missing'
FROM unnest(ARRAY[
    'attempt_pkey', 'bulk_pkey', 'bulk_running', 'executing_job_pkey', 'flow_limit_pkey',
    'granted_pkey', 'job_error', 'job_error_payload', 'job_failed', 'job_pkey', 'job_queued',
    'job_retrying', 'job_scheduled', 'job_shared_payload', 'job_stopped', 'job_suspect', 'job_unordered', 'leader_pkey',
    'past_worker_ended', 'past_worker_pkey', 'payload_event', 'payload_pkey', 'payload_received',
    'queue_setting_pkey', 'schedule_due', 'schedule_pkey', 'schedule_tick_job',
    'schedule_tick_pkey', 'schema_version_pkey', 'setting_pkey', 'tally_pkey', 'unique_key_pkey',
    'worker_pkey'
]) AS i (name)
WHERE NOT EXISTS (
    SELECT FROM pg_class AS c
    JOIN pg_index AS x ON x.indexrelid = c.oid
    WHERE c.relnamespace = 'tasq'::regnamespace AND c.relname = i.name AND x.indisvalid)
ORDER BY 1
