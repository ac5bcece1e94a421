-- The running bulk actions that somebody holds, each with a text that every renewal changes.
--
-- Whoever sees one unchanged for as long as a hold lasts may take it up (bulk_hold.sql).
SELECT b.id, concat_ws('/', b.holder, extract(epoch FROM b.held_until), b.examined) AS standing
FROM tasq.bulk AS b
WHERE b.state IN ('running', 'going') AND b.holder IS NOT NULL
