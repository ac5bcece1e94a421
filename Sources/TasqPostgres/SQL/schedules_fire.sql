-- Fires ticks: their jobs, that they are fired, and what comes next, in one transaction.
--
--   $1 text[]  schedules   $2 bigint[]  the version of each that was read
--   $3 timestamptz[]  what comes next of each, null for nothing   $4 text[]  what is wrong with each
--   $5 text[]  of each tick its schedule   $6 timestamptz[]  the tick   $7 uuid[]  its job, ascending
--   $8 timestamptz[]  when that may start, null for now   $9 bytea[]  its body   $10 text[] and content type
--   $11 boolean  whether the plan is written; a run by hand leaves it alone
--
-- Returns the jobs that were stored: none of a schedule that somebody has changed or fired since. Two
-- at once: the second waits for the row, finds another version and writes nothing. Should that ever
-- fail, as where a clock went back, a tick that is there already is passed over, and its job with it.
-- No row of a job that exists is touched. A late tick starts now. Of the ticks of more than a week ago
-- some are forgotten.
WITH plan AS MATERIALIZED (
    SELECT u.name, u.version, u.next_at, u.problem
    FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[])
        AS u (name, version, next_at, problem)
),
held AS MATERIALIZED (
    SELECT s.name, s.kind, @options_of(row: s)
    FROM tasq.schedule AS s
    JOIN plan AS p ON p.name = s.name AND p.version = s.version
    ORDER BY s.name
    FOR NO KEY UPDATE OF s
),
wanted AS MATERIALIZED (
    SELECT
        t.schedule, t.tick, t.job_id, greatest(t.start, now()) AS start, t.body, t.content_type
    FROM unnest(
        $5::text[], $6::timestamptz[], $7::uuid[], $8::timestamptz[], $9::bytea[], $10::text[])
        AS t (schedule, tick, job_id, start, body, content_type)
),
fired AS (
    INSERT INTO tasq.schedule_tick AS x (tick, schedule, job_id)
    SELECT w.tick, w.schedule, w.job_id
    FROM wanted AS w
    JOIN held AS h ON h.name = w.schedule
    ORDER BY w.tick, w.schedule
    ON CONFLICT DO NOTHING
    RETURNING x.job_id
),
moved AS (
    UPDATE tasq.schedule AS s
    SET next_at = coalesce(p.next_at, 'infinity'),
        planned = true,
        problem = p.problem,
        last_tick = greatest(
            s.last_tick, (SELECT max(w.tick) FROM wanted AS w WHERE w.schedule = s.name)),
        version = s.version + 1
    FROM held AS h
    JOIN plan AS p ON p.name = h.name
    WHERE s.name = h.name AND $11::boolean
),
bodies AS (
    INSERT INTO tasq.payload (id, content_type, body)
    SELECT w.job_id, w.content_type, w.body
    FROM wanted AS w
    JOIN fired AS f ON f.job_id = w.job_id
    ORDER BY w.job_id
),
old AS MATERIALIZED (
    SELECT x.tick, x.schedule
    FROM tasq.schedule_tick AS x
    WHERE x.tick < now() - interval '7 days'
    ORDER BY x.tick, x.schedule
    LIMIT 200
    FOR UPDATE SKIP LOCKED
),
forgotten AS (
    DELETE FROM tasq.schedule_tick AS x
    USING old AS o
    WHERE x.tick = o.tick AND x.schedule = o.schedule
)
INSERT INTO tasq.job AS j
    (id, payload_id, kind, status, run_at, @options)
SELECT
    w.job_id, w.job_id, h.kind,
    (CASE WHEN w.start <= now() THEN 'queued' ELSE 'scheduled' END)::tasq.job_status, w.start,
    @options_of(row: h)
FROM wanted AS w
JOIN fired AS f ON f.job_id = w.job_id
JOIN held AS h ON h.name = w.schedule
ORDER BY w.job_id
RETURNING j.id, j.queue, j.priority, j.status::text
