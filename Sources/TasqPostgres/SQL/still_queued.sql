-- Which of these jobs, that a claim did not get, could be claimed after all.
--
--   $1 uuid[]  ids
--
-- A claim skips rows that somebody has locked for a moment, and suspects. Both are worth another
-- try; everything else (finished, cancelled, running, not due, paused, unknown) is not.
-- IS TRUE as in claim.sql.
SELECT j.id, j.queue, j.priority, j.crashes, j.kind
FROM tasq.job AS j
WHERE j.id = ANY ($1::uuid[])
    AND (j.status = 'queued' AND j.run_at <= now()) IS TRUE
    AND @open_queue(queue: j.queue)
