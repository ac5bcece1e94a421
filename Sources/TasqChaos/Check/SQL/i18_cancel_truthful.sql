-- I18: a job whose cancellation was confirmed is cancelled, stays so, and is not claimed after it.
SELECT e.job::text AS subject, 'confirmed as cancelled, left ' || j.status AS detail
FROM event AS e
JOIN job AS j ON j.job = e.job
WHERE e.e = 'cancel.done' AND j.status <> 'cancelled'
    AND NOT allowed('retries') AND NOT may_be_lost(e.t)
UNION ALL
SELECT c.claim::text, 'claimed after it was cancelled'
FROM change AS u
JOIN claim AS c ON c.job = u.job AND c.n0 > u.n
WHERE u.tbl = 'job' AND u.status = 'cancelled' AND NOT allowed('retries')
UNION ALL
SELECT e.job::text, 'the cancellation was refused, and the job is cancelled'
FROM event AS e
JOIN job AS j ON j.job = e.job
WHERE e.e = 'cancel.late' AND j.status = 'cancelled'
