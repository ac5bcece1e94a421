-- What each table takes on disk, with its indexes and the long values that stand beside it.
--
-- Looks at the sizes of files and reads no row. To do that it takes the weakest lock on each table and
-- index, so one that somebody has, or wants, for himself (VACUUM FULL, REINDEX) is left out: whoever
-- asks is to hear of the others at once.
SELECT c.relname::text AS name, coalesce(pg_total_relation_size(c.oid), 0) AS bytes
FROM pg_class AS c
WHERE c.relnamespace = 'tasq'::regnamespace
    AND c.relkind = 'r'
    AND NOT EXISTS (
        SELECT
        FROM pg_locks AS l
        WHERE l.mode = 'AccessExclusiveLock'
            AND l.database = (SELECT d.oid FROM pg_database AS d WHERE d.datname = current_database())
            AND (
                l.relation = c.oid
                OR l.relation = c.reltoastrelid
                OR l.relation IN (
                    SELECT i.indexrelid FROM pg_index AS i WHERE i.indrelid IN (c.oid, c.reltoastrelid)
                )
            )
    )
ORDER BY c.relname
