-- A commit that waits for synchronous replication, so that earlier commits are known to be replicated.
--
-- A write that finds its rows standing writes nothing, and such a commit waits for no synchronous
-- standby; the rows may be from a commit whose own wait was cancelled. This one writes a message
-- to the log, so its commit waits, and everything before it in the log has arrived as well.
SELECT pg_logical_emit_message(TRUE, 'tasq', '') IS NOT NULL
