-- Whether it is this worker's turn to make way for a suspect, on which queue, and for how much longer.
--
--   $1 uuid    the worker
--   $2 text[]  the queues it serves
--
-- No row: it is not. Asked when a sweep has seen a suspect that the worker could run.
--
--   Of the workers that serve the queue and know the kind, one in eight, rounded up, has the turn for
--   five seconds, then the next ones have, by groups in the order of their ids; each round begins with
--   another group, or a worker that asks once in so many seconds could meet the same turn, another's,
--   for ever. Once the suspect has waited
--   for 30 seconds since it was due or its last attempt was cut off, half of them have, rounded up:
--   those that are full, dead or do not sweep have it in vain. All at once would leave nobody to
--   start anything else. (job.run_at alone would not do: that of a job that ran for an hour is an
--   hour ago.) A row of version claims/1, a remote worker's, asks for nothing more while it holds a
--   claim, so it is left out.
--
--   Nobody has the turn while as many as one in eight, rounded up, of the workers run a suspect of
--   the queue that was claimed within five seconds: they still make way.
--
-- CASE keeps the look at claims to those whose turn it would be. The workers are counted once for
-- each queue, for the oldest suspect that this one could run; queues are those of the 500 oldest.
SELECT
    s.queue,
    (extract(epoch FROM to_timestamp((s.turn + 1) * 5) - now()) * 1000000)::bigint AS left_us
FROM (
    SELECT
        o.queue, c.turn,
        CASE
            WHEN c.place IS NULL THEN false
            WHEN c.place / c.share <> mod(
                c.turn + (hashint8(c.turn / ((c.size + c.share - 1) / c.share)) & 1048575),
                (c.size + c.share - 1) / c.share
            ) THEN false
            ELSE (
                SELECT count(*)
                FROM tasq.executing_job AS e
                JOIN tasq.job AS b ON b.id = ANY (ARRAY[e.job_id])
                WHERE e.claimed_at BETWEEN now() - interval '5 seconds' AND now()
                    AND b.crashes > 1 AND b.queue = o.queue
            ) < (c.size + 7) / 8
        END AS has_turn
    FROM (
        SELECT DISTINCT ON (i.queue) i.id, i.kind, i.queue, i.run_at
        FROM (
            SELECT j.id, j.kind, j.queue, j.run_at
            FROM tasq.job AS j
            WHERE @suspect(worker: $1, queues: $2)
            ORDER BY j.run_at
            LIMIT 500
        ) AS i
        ORDER BY i.queue, i.run_at
    ) AS o
    CROSS JOIN LATERAL (
        SELECT
            n.size, n.place, floor(extract(epoch FROM now()) / 5)::bigint AS turn,
            CASE
                WHEN greatest(o.run_at, (
                    SELECT max(a.ended_at) FROM tasq.attempt AS a WHERE a.job_id = ANY (ARRAY[o.id])
                )) < now() - interval '30 seconds' THEN (n.size + 1) / 2
                ELSE (n.size + 7) / 8
            END AS share
        FROM (
            SELECT
                count(*) AS size,
                CASE
                    WHEN bool_or(w.id = $1::uuid) THEN count(*) FILTER (WHERE w.id < $1::uuid)
                END AS place
            FROM tasq.worker AS w
            WHERE o.queue = ANY (w.queues) AND (o.kind LIKE ANY (w.kinds)) IS NOT FALSE
                AND (
                    w.version <> 'claims/1'
                    OR w.id <> ALL (ARRAY(SELECT DISTINCT e.worker_id FROM tasq.executing_job AS e))
                )
        ) AS n
    ) AS c
    ORDER BY has_turn DESC, o.run_at
    LIMIT 1
) AS s
WHERE s.has_turn
