-- I20: no deadlocks ever; undisturbed, no more ids on the lists than twice the jobs that are due,
-- and no more connections than the processes may open.
SELECT 'deadlocks' AS subject, max(deadlocks) - min(deadlocks) || ' deadlocks' AS detail
FROM sample
HAVING max(deadlocks) > min(deadlocks)
UNION ALL
SELECT 'connections', max(connections) || ' connections'
FROM sample
WHERE NOT (disturbed AND allowed('excuse_connections'))
HAVING max(connections) > cfg('connections')
UNION ALL
SELECT 'lists', max((r.x ->> 'listed')::bigint) || ' ids on the lists'
FROM event AS r
JOIN LATERAL (
    SELECT s.due, s.disturbed FROM sample AS s WHERE s.t <= r.t ORDER BY s.t DESC LIMIT 1
) AS s ON TRUE
WHERE r.e = 'sample' AND r.name = 'redis' AND NOT (s.disturbed AND allowed('excuse_lists'))
    AND (r.x ->> 'listed')::bigint > 2 * s.due + cfg('list_slack')
HAVING count(*) > 0
