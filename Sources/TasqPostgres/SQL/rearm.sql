-- Queues the failed jobs of these events again, with all their attempts, so that a provider's
-- manual redelivery of an event works although the event is a duplicate.
--
--   $1 uuid[]  events
--
-- The shape is settle.sql's; there is no claim to end, a job in `error` has none.
WITH held AS MATERIALIZED (
    SELECT j.id
    FROM tasq.job AS j
    WHERE j.payload_id = ANY ($1::uuid[]) AND j.status = 'error'
    ORDER BY j.id
    FOR NO KEY UPDATE OF j
)
UPDATE tasq.job AS j
SET status = 'queued', attempt = 0, crashes = 0, handbacks = 0, run_at = now(), finished_at = NULL
FROM held AS h
WHERE j.id = h.id AND j.status = 'error'
RETURNING j.id, j.queue, j.priority
