-- What became of claims that a settlement did not end.
--
--   $1 uuid[]  job ids
--   $2 uuid[]  claims
--   $3 text[]  the outcome each was to be ended with; snooze for all that leave no record
--
-- Only a settlement writes `last_claim`, so finding the token there means that this very outcome
-- was committed by a statement whose answer got lost; so does the record of the attempt, where the
-- job has run again since. One that ended in another way is not told as settled: whoever says
-- `success` after his own snooze would believe it. What failed may have been the last attempt then
-- and not be now, so `retry` and `error` are alike. A claim that stands is one whose job row was
-- locked by somebody at that moment: `stands`. One found nowhere was taken away, and nothing of it was
-- or will be written; or it was put off or never started, of which there is no record, and the job has
-- run again.
SELECT j.id, u.claim, j.status::text, j.queue, j.priority, e.id IS NOT NULL AS stands
FROM unnest($1::uuid[], $2::uuid[], $3::text[]) AS u (job_id, claim, verdict)
JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.job_id])
LEFT JOIN tasq.executing_job AS e ON e.job_id = ANY (ARRAY[u.job_id]) AND e.id = u.claim
LEFT JOIN tasq.attempt AS a ON a.job_id = ANY (ARRAY[u.job_id]) AND a.claim = u.claim
CROSS JOIN LATERAL (
    SELECT coalesce(a.outcome, CASE WHEN j.status = 'success' THEN 'success' ELSE 'snooze' END) AS verdict
) AS was
WHERE e.id IS NOT NULL
    OR (j.last_claim = u.claim OR a.outcome IN ('retry', 'error', 'handedback'))
        AND CASE u.verdict
            WHEN 'retry' THEN was.verdict IN ('retry', 'error')
            WHEN 'error' THEN was.verdict IN ('retry', 'error')
            ELSE was.verdict = u.verdict
        END
