-- Claims the oldest due jobs of some queues straight from the table; otherwise like claim.sql.
--
--   $1 uuid    the worker
--   $2 text[]  the queues it serves, the one to look at first in front
--   $3 bigint  how many jobs at most
--
-- One index walk per queue, in the index's own order, so a backlog of millions costs no sort; the
-- outer LIMIT stops the walk, so no more rows are locked than are claimed. Locking in another
-- order than by id is safe here because SKIP LOCKED never waits.
--
-- A last row without a claim says that on its queue a suspect waits that the worker could run, a job
-- that only claim_suspect.sql claims; turn.sql tells whose turn that is. What it takes to tell would
-- slow down every sweep if it stood here, though suspects are rare. IS TRUE keeps the planner from
-- looking for them among all that wait, in job_queued: as long as the statistics say that few do,
-- that looks as cheap, and with 200 000 it took 26 ms a sweep.
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt
    FROM unnest($2::text[]) WITH ORDINALITY AS q (queue, place)
    CROSS JOIN LATERAL (
        SELECT i.id, i.attempt
        FROM tasq.job AS i
        WHERE i.status = 'queued'
            AND i.queue = q.queue
            AND i.run_at <= now()
            AND i.crashes < 2
            AND i.attempt < i.max_attempts
            AND (i.kind LIKE ANY ((SELECT w.kinds FROM tasq.worker AS w WHERE w.id = $1::uuid)::text[])) IS NOT FALSE
        ORDER BY i.priority, i.run_at, i.id
        LIMIT $3::bigint
        FOR NO KEY UPDATE OF i SKIP LOCKED
    ) AS j
    WHERE q.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = $1::uuid)
    LIMIT $3::bigint
),
claimed AS (
    INSERT INTO tasq.executing_job AS e (job_id, id, worker_id, attempt, claimed_at)
    SELECT d.id, gen_random_uuid(), $1::uuid, d.attempt + 1, now()
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
    m.id, m.claim, m.kind, m.queue, m.priority, m.attempt, m.max_attempts, m.crashes, m.key,
    m.payload_id, p.source, p.content_type, p.headers,
    CASE WHEN octet_length(p.body) <= 65536 THEN p.body END AS body,
    m.run_at, now() AS claimed_at, m.max_attempts - coalesce(m.budget, m.max_attempts) AS before,
    m.put_off_at, octet_length(p.body)::bigint AS bytes
FROM moved AS m
LEFT JOIN tasq.payload AS p ON p.id = ANY (ARRAY[m.payload_id])
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
        AND (j.queue = ANY ($2::text[])) IS TRUE
        AND j.queue <> ALL (ARRAY(SELECT s.queue FROM tasq.queue_setting AS s WHERE s.paused))
        AND (j.kind LIKE ANY ((SELECT w.kinds FROM tasq.worker AS w WHERE w.id = $1::uuid)::text[])) IS NOT FALSE
    ORDER BY j.run_at
    LIMIT 1
) AS s
