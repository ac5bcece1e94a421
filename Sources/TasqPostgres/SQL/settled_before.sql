-- What became of claims that a settlement did not end.
--
--   $1 uuid[]  job ids
--   $2 uuid[]  claims
--
-- Only a settlement writes `last_claim`, so finding the token there means that this very outcome
-- was committed by a statement whose answer got lost; so does the record of the attempt, where the
-- job has run again since. A claim that stands is one whose job row was locked by somebody at that
-- moment: `stands`. One found nowhere was taken away, and nothing of it was or will be written; or
-- it was a snooze or never started, of which there is no record, and the job has run again.
SELECT j.id, u.claim, j.status::text, j.queue, j.priority, e.id IS NOT NULL AS stands
FROM unnest($1::uuid[], $2::uuid[]) AS u (job_id, claim)
JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.job_id])
LEFT JOIN tasq.executing_job AS e ON e.job_id = ANY (ARRAY[u.job_id]) AND e.id = u.claim
WHERE j.last_claim = u.claim
    OR e.id IS NOT NULL
    OR EXISTS (
        SELECT FROM tasq.attempt AS a
        WHERE a.job_id = ANY (ARRAY[u.job_id]) AND a.claim = u.claim
            AND a.outcome IN ('retry', 'error', 'handedback')
    )
