-- The commands that give recorded roles what they lack of their rights.
--
-- A role that was dropped since is passed over. An enqueuer may call `tasq.enqueue`, which runs with
-- its owner's rights, and sees no table. A worker does what `tasq work`, `serve` and `enqueue` do; an
-- operator looks at everything and acts on jobs and queues, but puts none in.
WITH wanted (rights, privilege, kind, object) AS (
    SELECT r.rights, 'USAGE', 'SCHEMA', quote_ident(n.nspname)
    FROM unnest(ARRAY['enqueuer', 'worker', 'operator']) AS r (rights)
    CROSS JOIN pg_namespace AS n
    WHERE n.nspname = 'tasq'
    UNION ALL
    SELECT r.rights, 'EXECUTE', 'FUNCTION', p.oid::regprocedure::text
    FROM unnest(ARRAY['enqueuer', 'worker']) AS r (rights)
    CROSS JOIN pg_proc AS p
    WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'enqueue'
    UNION ALL
    SELECT r.rights, 'EXECUTE', 'FUNCTION', p.oid::regprocedure::text
    FROM unnest(ARRAY['worker']) AS r (rights)
    CROSS JOIN pg_proc AS p
    WHERE p.pronamespace = 'tasq'::regnamespace AND p.proname = 'put_schedule'
    UNION ALL
    SELECT t.rights, p.privilege, 'TABLE', format('%I.%I', 'tasq', t.name)
    FROM (
        VALUES
            ('worker', 'job', 'siud'), ('operator', 'job', 'sud'),
            ('worker', 'payload', 'siud'), ('operator', 'payload', 'sud'),
            ('worker', 'executing_job', 'siud'), ('operator', 'executing_job', 'sud'),
            ('worker', 'attempt', 'siud'), ('operator', 'attempt', 'siud'),
            ('worker', 'unique_key', 'siud'), ('operator', 'unique_key', 'siud'),
            ('worker', 'worker', 'siud'), ('operator', 'worker', 's'),
            ('worker', 'past_worker', 'siud'), ('operator', 'past_worker', 's'),
            ('worker', 'leader', 'siud'), ('operator', 'leader', 's'),
            ('worker', 'bulk', 'siud'), ('operator', 'bulk', 'siu'),
            ('worker', 'queue_setting', 'siud'), ('operator', 'queue_setting', 'siud'),
            ('worker', 'flow_limit', 'siud'), ('operator', 'flow_limit', 'siud'),
            ('worker', 'setting', 's'), ('operator', 'setting', 'si'),
            ('worker', 'schema_version', 's'), ('operator', 'schema_version', 's'),
            ('worker', 'tally', 'sid'), ('operator', 'tally', 's'),
            ('worker', 'schedule', 'siud'), ('operator', 'schedule', 'sud'),
            ('worker', 'schedule_tick', 'siud'), ('operator', 'schedule_tick', 's')
    ) AS t (rights, name, letters)
    JOIN (
        VALUES ('s', 'SELECT'), ('i', 'INSERT'), ('u', 'UPDATE'), ('d', 'DELETE')
    ) AS p (letter, privilege) ON strpos(t.letters, p.letter) > 0
)
SELECT format('GRANT %s ON %s %s TO %I', w.privilege, w.kind, w.object, g.role)
FROM tasq.granted AS g
JOIN pg_roles AS r ON r.rolname = g.role
JOIN wanted AS w ON w.rights = g.rights
WHERE NOT CASE w.kind
    WHEN 'SCHEMA' THEN has_schema_privilege(r.oid, 'tasq', w.privilege)
    WHEN 'FUNCTION' THEN has_function_privilege(r.oid, w.object, w.privilege)
    ELSE has_table_privilege(r.oid, w.object, w.privilege)
END
ORDER BY 1
