-- I23: a job that was acknowledged is found by whoever asks for it.
SELECT e.token AS subject, 'acknowledged, and not found a moment later' AS detail
FROM event AS e
WHERE e.e = 'missing' AND NOT allowed('lost_commits')
