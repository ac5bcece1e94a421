-- I23: a job that was acknowledged is found by whoever asks for it.
SELECT e.token AS subject, 'acknowledged, and not found a moment later' AS detail
FROM event AS e
LEFT JOIN enq AS q ON q.token = e.token
WHERE e.e = 'missing' AND NOT may_be_lost(q.acknowledged)
