-- I2: whatever ran was asked for, under the token and the id its client was told, or put in by a
-- schedule. An id that is handed out a second time shows here.
SELECT r.token AS subject, 'ran under a token or id that nobody was told' AS detail
FROM run AS r
LEFT JOIN enq AS q ON q.token = r.token
WHERE (q.token IS NULL AND NOT EXISTS (SELECT FROM tick AS t WHERE t.job = r.job))
    OR (q.job IS NOT NULL AND q.job <> r.job AND q.unique_key IS NULL)
