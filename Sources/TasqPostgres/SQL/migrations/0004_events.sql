-- Stored webhook events, found newest first; their jobs are found by job_shared_payload (0003).
--
-- The index is partial, so that bodies of jobs enqueued by programs cost nothing more.

CREATE INDEX payload_received ON tasq.payload (id, source) WHERE source IS NOT NULL;
