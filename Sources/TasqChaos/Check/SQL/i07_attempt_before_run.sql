-- I7: the claim of a run was committed before the run began, with the run's number; and the number
-- rises with every run that counts.
SELECT r.claim::text AS subject, 'ran without a claim' AS detail
FROM run AS r
LEFT JOIN claim AS c ON c.claim = r.claim
WHERE c.claim IS NULL AND NOT EXISTS (SELECT FROM astray AS s WHERE s.claim = r.claim)
UNION ALL
SELECT r.claim::text, 'ran as attempt ' || r.att || ', claimed as ' || c.attempt
FROM run AS r
JOIN claim AS c ON c.claim = r.claim
WHERE r.att <> c.attempt
UNION ALL
SELECT r.claim::text, 'began before its claim was committed'
FROM run AS r
JOIN claim AS c ON c.claim = r.claim
WHERE allowed('clock_is_true') AND r.t0 < mono(c.committed0) - 2000000
UNION ALL
SELECT c.claim::text, 'attempt ' || c.attempt || ' after ' || c.before
FROM (
    SELECT
        claim, attempt, lag(attempt) OVER jobs AS before, lag(ending) OVER jobs AS ended
    FROM claim
    WINDOW jobs AS (PARTITION BY job ORDER BY n0)
) AS c
WHERE c.attempt <= c.before AND c.ended NOT IN ('handed back', 'given back', 'put off')
