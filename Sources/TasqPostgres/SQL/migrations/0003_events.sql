-- Stored webhook events: found newest first, and with their jobs.
--
-- Both indexes are partial, so that jobs enqueued by programs, whose body has the job's own id,
-- cost nothing more.

CREATE INDEX payload_received ON tasq.payload (id, source) WHERE source IS NOT NULL;

CREATE INDEX job_event ON tasq.job (payload_id) WHERE payload_id <> id;
