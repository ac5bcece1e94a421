-- Which database and schema this is, as the doorbell's mark names them.
--
-- The epoch was made with the schema, but a copy of the database has it too, by template or by dump.
-- The numbers of database and schema differ then, or that of the cluster does (system.sql), if this
-- user may read it.
SELECT
    t.value AS epoch, current_database()::text AS database, d.oid::bigint AS database_number,
    n.oid::bigint AS schema_number,
    has_function_privilege('pg_catalog.pg_control_system()', 'EXECUTE') AS may_read_system
FROM tasq.setting AS t
CROSS JOIN pg_catalog.pg_database AS d
CROSS JOIN pg_catalog.pg_namespace AS n
WHERE t.name = 'epoch' AND d.datname = current_database() AND n.nspname = 'tasq'
