-- The floor of a drain: pgbench claims a batch and settles it as successes, with the statements of
-- sweep.sql and settle.sql and no handler. The aggregate brings the whole batch, bodies included,
-- to the client in one row, because \gset takes no more.
--
--   :worker  a registered worker's id   :batch  jobs of one claim
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt, q.place
    FROM unnest('{default}'::text[], '{}'::bigint[], '{}'::timestamptz[], '{}'::uuid[])
        WITH ORDINALITY AS q (queue, priority, run_at, id, place)
    CROSS JOIN LATERAL (
        SELECT i.id, i.attempt
        FROM (
            SELECT w.id, w.kind, w.run_at, w.crashes, w.attempt, w.max_attempts
            FROM tasq.job AS w
            WHERE (w.status = 'queued' OR w.status = ANY ('{queued}'))
                AND w.queue = q.queue
                AND (w.priority, w.run_at, w.id) > (
                    coalesce(q.priority, -1), coalesce(q.run_at, '-infinity'),
                    coalesce(q.id, '00000000-0000-0000-0000-000000000000'))
            ORDER BY w.priority, w.run_at, w.id
            LIMIT 2000::bigint
        ) AS s
        CROSS JOIN LATERAL (
            SELECT l.id, l.attempt
            FROM tasq.job AS l
            WHERE l.id = ANY (ARRAY[s.id])
                AND (
                    l.status = 'queued'
                    AND l.run_at <= now()
                    AND l.crashes < 2
                    AND l.attempt < l.max_attempts
                ) IS TRUE
            FOR NO KEY UPDATE OF l SKIP LOCKED
        ) AS i
        WHERE s.run_at <= now()
            AND s.crashes < 2
            AND s.attempt < s.max_attempts
            AND (
                EXISTS (SELECT FROM tasq.worker AS o WHERE o.id = :worker::uuid AND o.kinds IS NULL)
                OR s.kind LIKE ANY (ARRAY(
                    SELECT k.kind
                    FROM tasq.worker AS o, unnest(o.kinds) AS k (kind)
                    WHERE o.id = :worker::uuid AND right(k.kind, 1) = '%'))
                OR s.kind IN (
                    SELECT replace(k.kind, '\_', '_')
                    FROM tasq.worker AS o, unnest(o.kinds) AS k (kind)
                    WHERE o.id = :worker::uuid)
            )
        LIMIT :batch::bigint
    ) AS j
    WHERE q.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = :worker::uuid)
    LIMIT :batch::bigint
),
claimed AS (
    INSERT INTO tasq.executing_job AS e (job_id, id, worker_id, attempt, claimed_at)
    SELECT d.id, gen_random_uuid(), :worker::uuid, d.attempt + 1, now()
    FROM due AS d
    ON CONFLICT (job_id) DO NOTHING
    RETURNING e.job_id, e.id, e.attempt
),
moved AS (
    UPDATE tasq.job AS j
    SET status = 'executing', attempt = c.attempt, claimed_at = now()
    FROM claimed AS c
    WHERE j.id = ANY (ARRAY[c.job_id])
    RETURNING j.id, c.id AS claim, j.kind, j.queue, j.priority, j.attempt, j.max_attempts,
        j.crashes, j.key, j.payload_id, j.run_at, j.budget, j.put_off_at
)
SELECT
    coalesce(array_agg(c.id), '{}') AS jobs,
    coalesce(array_agg(c.claim), '{}') AS claims,
    coalesce(string_agg(convert_from(c.body, 'UTF8'), ''), '') AS bodies
FROM (
    SELECT
        m.id, m.claim, m.kind, m.queue, m.priority, m.attempt, m.max_attempts, m.crashes, m.key,
        m.payload_id, p.source, p.content_type, p.headers,
        CASE WHEN octet_length(p.body) <= 65536 THEN p.body END AS body,
        m.run_at, now() AS claimed_at,
        m.max_attempts - coalesce(m.budget, m.max_attempts) AS before, m.put_off_at, octet_length(p.body)::bigint AS bytes
    FROM moved AS m
    LEFT JOIN tasq.payload AS p ON p.id = ANY (ARRAY[m.payload_id])
    UNION ALL
    SELECT
        e.id, NULL, NULL, q.queue, (e.priority + (e.run_at > now())::int)::smallint,
        NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        greatest(CASE WHEN e.run_at <= now() THEN e.run_at END, '4714-11-24 00:00:00+00 BC'),
        NULL, NULL, NULL, NULL
    FROM unnest('{default}'::text[], '{}'::bigint[], '{}'::timestamptz[], '{}'::uuid[])
        WITH ORDINALITY AS q (queue, priority, run_at, id, place)
    CROSS JOIN LATERAL (
        SELECT w.id, w.priority, w.run_at
        FROM tasq.job AS w
        WHERE (w.status = 'queued' OR w.status = ANY ('{queued}'))
            AND w.queue = q.queue
            AND (w.priority, w.run_at, w.id) > (
                coalesce(q.priority, -1), coalesce(q.run_at, '-infinity'),
                coalesce(q.id, '00000000-0000-0000-0000-000000000000'))
        ORDER BY w.priority, w.run_at, w.id
        OFFSET 2000::bigint - 1
        LIMIT 1
    ) AS e
    WHERE q.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
        AND (
            (SELECT count(*) FROM due AS d) < :batch::bigint
            OR q.place < (SELECT max(d.place) FROM due AS d)
        )
    UNION ALL
    SELECT
        s.id, NULL, s.kind, s.queue, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
        NULL, NULL, NULL
    FROM (
        SELECT j.id, j.kind, j.queue
        FROM tasq.job AS j
        WHERE j.status = 'queued'
            AND j.crashes > 1
            AND j.attempt < j.max_attempts
            AND j.run_at <= now()
            AND (j.queue = ANY ('{default}'::text[])) IS TRUE
            AND j.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
            AND (j.kind LIKE ANY ((SELECT w.kinds FROM tasq.worker AS w WHERE w.id = :worker::uuid)::text[])) IS NOT FALSE
        ORDER BY j.run_at
        LIMIT 1
    ) AS s
) AS c
WHERE c.claim IS NOT NULL
\gset
WITH held AS MATERIALIZED (
    SELECT
        j.id, u.claim, coalesce(u.verdict, (ARRAY['success'])[1]) AS verdict,
        coalesce(u.delay_us, 0) AS delay_us, u.reason
    FROM unnest(
        :jobs::uuid[], :claims::uuid[], ARRAY['success'], '{}'::bigint[], '{}'::text[])
        AS u (job_id, claim, verdict, delay_us, reason)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.job_id])
    ORDER BY u.job_id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
gone AS (
    DELETE FROM tasq.executing_job AS e
    USING held AS h
    WHERE e.job_id = ANY (ARRAY[h.id]) AND e.id = h.claim
    RETURNING e.job_id, e.id AS claim, e.worker_id, e.attempt, e.claimed_at,
        h.verdict, h.delay_us, h.reason
),
settled AS (
    UPDATE tasq.job AS j
    SET
        status = (CASE
            WHEN g.verdict IN ('success', 'cancelled', 'error') THEN g.verdict
            WHEN g.verdict IN ('retry', 'snooze', 'later') AND g.delay_us > 0 THEN 'scheduled'
            WHEN g.verdict = 'handedback' AND j.handbacks >= 20 AND j.attempt >= j.max_attempts
                THEN 'error'
            ELSE 'queued'
        END)::tasq.job_status,
        finished_at = CASE
            WHEN g.verdict IN ('success', 'cancelled', 'error') THEN now()
            WHEN g.verdict = 'handedback' AND j.handbacks >= 20 AND j.attempt >= j.max_attempts
                THEN now()
        END,
        attempt = CASE
            WHEN g.verdict IN ('snooze', 'later', 'unstarted') THEN j.attempt - 1
            WHEN g.verdict = 'handedback' AND j.handbacks < 20 THEN j.attempt - 1
            ELSE j.attempt
        END,
        handbacks = j.handbacks + (g.verdict = 'handedback' AND j.handbacks < 20)::int,
        run_at = CASE
            WHEN g.verdict IN ('retry', 'snooze', 'later')
                THEN now() + g.delay_us * interval '1 microsecond'
            ELSE j.run_at
        END,
        crashes = CASE WHEN g.verdict IN ('retry', 'snooze', 'later') THEN 0 ELSE j.crashes END,
        put_off_at = CASE
            WHEN g.verdict = 'later' THEN coalesce(j.put_off_at, now())
            WHEN g.verdict IN ('snooze', 'handedback', 'unstarted') THEN j.put_off_at
        END,
        put_off_reason = CASE WHEN g.verdict = 'later' THEN left(g.reason, 200) END,
        last_claim = CASE WHEN g.verdict = 'handedback' THEN j.last_claim ELSE g.claim END
    FROM gone AS g
    WHERE j.id = ANY (ARRAY[g.job_id])
    RETURNING j.id, g.claim, j.status, j.queue, j.priority, j.unique_key
),
recorded AS (
    INSERT INTO tasq.attempt AS a
        (job_id, claim, attempt, worker_id, outcome, reason, started_at)
    SELECT g.job_id, g.claim, g.attempt, g.worker_id, g.verdict, g.reason, g.claimed_at
    FROM gone AS g
    WHERE g.verdict NOT IN ('success', 'snooze', 'later', 'unstarted')
    ON CONFLICT DO NOTHING
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING settled AS s
    WHERE k.key = ANY (ARRAY[s.unique_key]) AND k.job_id = s.id
        AND s.status IN ('success', 'error', 'cancelled')
)
SELECT s.id, s.claim, s.status::text, s.queue, s.priority
FROM settled AS s;
