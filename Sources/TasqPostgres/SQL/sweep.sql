-- Claims the oldest due jobs of some queues straight from the table; otherwise like claim.sql.
--
--   $1 uuid           the worker
--   $2 text[]         the queues it serves, the one to look at first in front
--   $3 bigint         how many jobs at most
--   $4 bigint         how many entries of each queue it looks at
--   $5 bigint[]       priority, $6 timestamptz[] run_at and $7 uuid[] id of the entry behind which it
--                     begins, queue by queue; null, or no array at all, is the head
--
-- One index walk per queue, in the index's own order, so a backlog of millions costs no sort; the
-- outer LIMIT stops the walk, so no more rows are locked than are claimed. Locking in another
-- order than by id is safe here because SKIP LOCKED never waits.
--
-- The walk has an end of its own: behind 200 000 jobs of kinds that the worker has no handler for, one
-- without took 70 ms a sweep, and 3.4 s where the worker knew 1 000 kinds. Rows are looked at first
-- and locked one by one behind that limit, since a locking walk would lock all it looks at. The whole
-- names among the kinds are looked up in a hash, patterns are few.
--
-- It looks at all that is queued: behind that limit stands the condition for what is due and no suspect,
-- or a sweep would walk all suspects, and all that somebody queued by hand for next year.
--
-- Where a queue has more entries, a row without a claim and a kind gives the place where the walk ended:
-- of each queue when fewer jobs were claimed than asked for, else of those before the last job's. One
-- that is not due gives the begin of the next priority, the earliest time there is, as nothing behind it
-- is due before: it may be `infinity`, which is no place to go on from.
--
-- A last row without a claim says that on its queue a suspect waits that the worker could run, a job
-- that only claim_suspect.sql claims; turn.sql tells whose turn that is. What it takes to tell would
-- slow down every sweep if it stood here, though suspects are rare.
--
-- `status` is asked for twice, here and in the other statements that walk a queue in order, for the
-- sake of an index that somebody has added: as long as the statistics say that nobody waits, one on
-- the status looks as good as job_queued, and then all is read and sorted. Of two
-- alternatives it would have to be read twice, while job_queued holds no other rows than those.
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt, q.place
    FROM unnest($2::text[], $5::bigint[], $6::timestamptz[], $7::uuid[])
        WITH ORDINALITY AS q (queue, priority, run_at, id, place)
    CROSS JOIN LATERAL (
        SELECT i.id, i.attempt
        FROM (
            SELECT w.id, w.kind, (@claimable(job: w, crashes: < 2)) AS is_claimable
            FROM tasq.job AS w
            WHERE (w.status = 'queued' OR w.status = ANY ('{queued}'))
                AND w.queue = q.queue
                AND (w.priority, w.run_at, w.id) > (
                    coalesce(q.priority, -1), coalesce(q.run_at, '-infinity'),
                    coalesce(q.id, '00000000-0000-0000-0000-000000000000'))
            ORDER BY w.priority, w.run_at, w.id
            LIMIT $4::bigint
        ) AS s
        CROSS JOIN LATERAL (
            SELECT l.id, l.attempt
            FROM tasq.job AS l
            WHERE l.id = ANY (ARRAY[s.id])
                AND (
                    l.status = 'queued'
                    AND @claimable(job: l, crashes: < 2)
                ) IS TRUE
            FOR NO KEY UPDATE OF l SKIP LOCKED
        ) AS i
        WHERE s.is_claimable
            AND (
                EXISTS (SELECT FROM tasq.worker AS o WHERE o.id = $1::uuid AND o.kinds IS NULL)
                OR s.kind LIKE ANY (ARRAY(
                    SELECT k.kind
                    FROM tasq.worker AS o, unnest(o.kinds) AS k (kind)
                    WHERE o.id = $1::uuid AND right(k.kind, 1) = '%'))
                OR s.kind IN (
                    SELECT replace(k.kind, '\_', '_')
                    FROM tasq.worker AS o, unnest(o.kinds) AS k (kind)
                    WHERE o.id = $1::uuid)
            )
        LIMIT $3::bigint
    ) AS j
    WHERE @open_queue(queue: q.queue)
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = $1::uuid)
    LIMIT $3::bigint
),
@claimed(worker: $1)
UNION ALL
SELECT
    e.id, NULL, NULL,
    greatest(CASE WHEN e.run_at <= now() THEN e.run_at END, '4714-11-24 00:00:00+00 BC'),
    NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    @options_place(queue: q.queue, priority: n.priority)
FROM unnest($2::text[], $5::bigint[], $6::timestamptz[], $7::uuid[])
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
    OFFSET $4::bigint - 1
    LIMIT 1
) AS e
CROSS JOIN LATERAL (SELECT (e.priority + (e.run_at > now())::int)::smallint AS priority) AS n
WHERE @open_queue(queue: q.queue)
    AND (
        (SELECT count(*) FROM due AS d) < $3::bigint
        OR q.place < (SELECT max(d.place) FROM due AS d)
    )
UNION ALL
SELECT
    s.id, NULL, s.kind, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL,
    @options_place(queue: s.queue, priority: NULL)
FROM (
    SELECT j.id, j.kind, j.queue
    FROM tasq.job AS j
    WHERE @suspect(worker: $1, queues: $2)
    ORDER BY j.run_at
    LIMIT 1
) AS s
