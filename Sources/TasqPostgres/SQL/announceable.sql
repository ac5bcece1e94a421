-- Which of these jobs are queued and due, and whether they ought to stand in Redis.
--
--   $1 uuid[]  ids
--
-- Workers drop announcements of paused queues, of suspects and of kinds they do not know, and nothing
-- is wrong with a row without attempts left that a check of its own would not name: those need not
-- be announced.
SELECT
    j.id,
    @claimable(job: j, crashes: < 2)
        AND NOT EXISTS (SELECT FROM tasq.queue_setting AS s WHERE s.queue = j.queue AND s.paused)
        AND NOT EXISTS (
            SELECT FROM tasq.worker AS w
            WHERE j.queue = ANY (w.queues) AND (j.kind LIKE ANY (w.kinds)) IS FALSE
        )
        AS needed
FROM tasq.job AS j
WHERE j.id = ANY ($1::uuid[]) AND (j.status = 'queued') IS TRUE
