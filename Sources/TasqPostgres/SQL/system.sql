-- The number a cluster was given when it was made; its standbys have the same.
--
-- A statement of its own, as not every server lets everybody read it.
SELECT s.system_identifier::text
FROM pg_catalog.pg_control_system() AS s
