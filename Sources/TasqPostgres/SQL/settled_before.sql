-- Which of these claims are already settled, by a statement whose answer got lost.
--
--   $1 uuid[]  job ids
--   $2 uuid[]  claims
--
-- Only a settlement writes `last_claim`, so finding the token there means this very outcome was
-- committed. Nothing else can be concluded: a claim found nowhere was taken away.
SELECT j.id, j.last_claim, j.status::text, j.queue, j.priority
FROM tasq.job AS j
JOIN unnest($1::uuid[], $2::uuid[]) AS u (job_id, claim) ON u.job_id = j.id
WHERE j.last_claim = u.claim
