-- What happened, put together from what was written down. The order of the changes of one job is
-- the audit's `n`; times of handlers and clients are monotonic nanoseconds; the two meet only
-- through `mono`, and only where PostgreSQL's clock is the machine's own.

-- Nobody else collects statistics here, and without them joins go through all rows for each row.
CREATE INDEX ON event (e, claim);
CREATE INDEX ON change (xid, job);
CREATE INDEX ON change (claim);
CREATE INDEX ON change (job, n);
CREATE INDEX ON change (queue, n) WHERE tbl = 'queue';
CREATE INDEX ON tick (job);
CREATE INDEX ON old_job (job);
CREATE INDEX ON old_claim (claim);
ANALYZE;

-- How far the clocks are apart, and how fast that changes: a machine that was suspended has its clock
-- brought back by 5 ms a second. Each look says how far at least and at most, for it cannot have been
-- answered before it was asked; forty looks together say it closely, unless one of the clocks was set
-- in between. Those that took long tell nothing of the change.
CREATE TABLE look AS
SELECT
    *, row_number() OVER (PARTITION BY times_set ORDER BY t) AS place,
    coalesce(
        regr_slope(least_ns / 2 + most_ns / 2, t) FILTER (WHERE most_ns - least_ns < 5000000) OVER near,
        0) AS drift
FROM (
    SELECT *, count(*) FILTER (WHERE was_set) OVER (ORDER BY t) AS times_set
    FROM (
        SELECT
            *,
            least_ns > lag(most_ns) OVER (ORDER BY t) + 1000000000
                OR most_ns < lag(least_ns) OVER (ORDER BY t) - 1000000000 AS was_set
        FROM (
            SELECT
                t, (x ->> 'clock_us')::bigint AS clock_us,
                (x ->> 'least_ns')::bigint AS least_ns, (x ->> 'most_ns')::bigint AS most_ns
            FROM event
            WHERE e = 'sample' AND name = 'postgres'
        ) AS l
    ) AS l
) AS l
WINDOW near AS (PARTITION BY times_set ORDER BY t ROWS BETWEEN 20 PRECEDING AND 20 FOLLOWING);
CREATE INDEX ON look (times_set, place);
ANALYZE look;
CREATE TABLE clock AS
SELECT
    l.clock_us AS from_us,
    coalesce(
        max(n.least_ns - l.drift * (n.t - l.t)) / 2 + min(n.most_ns - l.drift * (n.t - l.t)) / 2,
        min(n.t - n.clock_us * 1000))::bigint AS offset_ns,
    l.drift
FROM look AS l
JOIN look AS n ON n.times_set = l.times_set AND n.place BETWEEN l.place - 20 AND l.place + 20
GROUP BY l.t, l.clock_us, l.drift;
INSERT INTO clock SELECT 0, offset_ns, 0 FROM clock ORDER BY from_us LIMIT 1;
CREATE INDEX ON clock (from_us);
-- Monotonic nanoseconds of a PostgreSQL time.
CREATE FUNCTION mono(at timestamptz) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT (extract(epoch FROM at) * 1000000000)::bigint + (
        SELECT c.offset_ns + (c.drift * 1000 * ((extract(epoch FROM at) * 1000000)::bigint - c.from_us))::bigint
        FROM clock AS c
        WHERE c.from_us <= (extract(epoch FROM at) * 1000000)::bigint
        ORDER BY c.from_us DESC
        LIMIT 1)
$$;

-- What was asked for, by token, and what its client was told.
CREATE TABLE enq AS
SELECT
    token,
    min(batch) AS batch,
    min(name) AS kind,
    min(out) FILTER (WHERE e <> 'refused') AS unique_key,
    min(t) FILTER (WHERE e = 'asked') AS asked,
    min(t) FILTER (WHERE e = 'acknowledged') AS acknowledged,
    (array_agg(job) FILTER (WHERE e = 'acknowledged'))[1] AS job,
    bool_or(e = 'refused') AS refused,
    min(ms) FILTER (WHERE e = 'acknowledged') AS ms
FROM event
WHERE e IN ('asked', 'acknowledged', 'refused')
GROUP BY token;
CREATE INDEX ON enq (token);

-- While a standby lags that takes over, what is acknowledged may be lost with the primary; what was
-- acknowledged before it was cut off, or after it took over, may not. An old primary that lives on
-- acknowledges until it is kept from it.
CREATE TABLE lossy AS
SELECT
    l.t AS t0,
    coalesce((
        SELECT min(p.t)
        FROM event AS p
        WHERE p.e IN ('standby.promoted', 'primary.fenced') AND p.t > l.t
    ), 9e18::bigint) AS t1
FROM event AS l
WHERE l.e = 'standby.lagging';
CREATE FUNCTION may_be_lost(at bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT allowed('lost_commits')
        AND EXISTS (SELECT FROM lossy AS l WHERE may_be_lost.at BETWEEN l.t0 AND l.t1)
$$;
-- Where the old primary could be asked, only what stood there can have gone with it: what the new
-- one acknowledged meanwhile, and what neither has, is lost like anything else.
CREATE FUNCTION may_be_lost(wanted uuid, at bigint) RETURNS boolean LANGUAGE sql STABLE AS $$
    SELECT may_be_lost(may_be_lost.at)
        AND (NOT allowed('asked_old') OR EXISTS (SELECT FROM old_job AS o WHERE o.job = wanted))
$$;
-- Jobs to which that happened.
CREATE TABLE lost_with_primary AS
SELECT q.token, q.acknowledged
FROM enq AS q
WHERE may_be_lost(q.job, q.acknowledged)
    AND NOT EXISTS (SELECT FROM job AS j WHERE j.token = q.token)
    AND NOT EXISTS (
        SELECT FROM job AS h WHERE h.job = q.job AND h.unique_key = q.unique_key);

-- Every claim that was committed, and how it ended.
CREATE TABLE claim AS
SELECT
    i.claim, i.job, i.worker, i.attempt, i.n AS n0, i.at AS at0, i.committed AS committed0,
    i.xid AS xid0, d.n AS n1, d.at AS at1, coalesce(d.began, d.at) AS began1, d.xid AS xid1,
    u.status AS next_status, u.run_at AS next_run_at, u.kind, u.old_crashes AS crashes,
    CASE
        WHEN d.claim IS NULL THEN 'standing'
        WHEN u.job IS NULL THEN 'deleted'
        -- It waited for a slot, and was given back as if it had never been claimed.
        WHEN u.last_claim = i.claim AND u.status = 'queued' AND u.attempt < u.old_attempt
            AND u.handbacks = u.old_handbacks THEN 'given back'
        -- Its target is held back: it was put off without being asked.
        WHEN u.last_claim = i.claim AND u.status = 'scheduled' AND u.attempt < u.old_attempt
            AND u.handbacks = u.old_handbacks THEN 'put off'
        WHEN u.last_claim = i.claim THEN 'settled'
        WHEN u.crashes > u.old_crashes THEN 'reaped'
        WHEN u.handbacks > u.old_handbacks THEN 'handed back'
        WHEN u.status = 'cancelled' THEN 'cancelled'
        ELSE 'taken'
    END AS ending
FROM change AS i
LEFT JOIN change AS d ON d.tbl = 'claim' AND d.op = 'D' AND d.claim = i.claim
LEFT JOIN change AS u ON u.tbl = 'job' AND u.op = 'U' AND u.job = i.job AND u.xid = d.xid
WHERE i.tbl = 'claim' AND i.op = 'I';
CREATE INDEX ON claim (claim);
CREATE INDEX ON claim (job, n0);
ANALYZE claim;

-- Every worker that registered, and the process it was.
CREATE TABLE worker AS
SELECT
    i.worker, i.pid, i.queues, i.lease_us, i.n AS n0, mono(i.at) AS t0, d.n AS n1, d.at AS at1,
    mono(d.at) AS t1,
    (
        SELECT max(b.at)
        FROM change AS b
        WHERE b.tbl = 'worker' AND b.op IN ('I', 'U') AND b.worker = i.worker
    ) AS last_beat
FROM change AS i
LEFT JOIN change AS d ON d.tbl = 'worker' AND d.op = 'D' AND d.worker = i.worker
WHERE i.tbl = 'worker' AND i.op = 'I';
CREATE INDEX ON worker (worker);

-- Processes that were disturbed: killed, stopped, cut off, made to fail.
CREATE TABLE disturbed AS
SELECT pid, min(t) AS t
FROM event
WHERE e = 'signalled' AND out IN ('KILL', 'STOP', 'CUT', 'FAIL')
GROUP BY pid;

-- When each process ended.
CREATE TABLE process_end AS
SELECT pid, min(t) AS t, min(out) AS out FROM event WHERE e = 'exit' GROUP BY pid;

-- Every run of a handler. One that has no end went on until its process died.
CREATE TABLE run AS
SELECT
    s.claim, s.job, s.token, s.att, s.p, coalesce(w.pid, s.pid) AS pid, s.t AS t0,
    coalesce(f.t, CASE WHEN s.p <> 'endpoint' THEN x.t END) AS t1, f.out, f.t IS NOT NULL AS has_end
FROM event AS s
LEFT JOIN event AS f ON f.e = 'end' AND f.claim = s.claim AND f.p = s.p
LEFT JOIN claim AS c ON c.claim = s.claim
LEFT JOIN worker AS w ON w.worker = c.worker
LEFT JOIN process_end AS x ON x.pid = s.pid AND x.t > s.t
WHERE s.e = 'start';
CREATE INDEX ON run (job, t0);
CREATE INDEX ON run (claim);

-- Runs whose claims went with a primary: the one that took over never had them. Where the old one
-- could be asked, it did.
CREATE TABLE astray AS
SELECT r.claim
FROM run AS r
WHERE NOT EXISTS (SELECT FROM claim AS c WHERE c.claim = r.claim)
    AND may_be_lost(r.t0)
    AND (NOT allowed('asked_old')
        OR EXISTS (SELECT FROM old_claim AS o WHERE o.claim = r.claim));
CREATE INDEX ON astray (claim);

-- From when to when there was load, and what came of it.
CREATE TABLE span AS
SELECT
    min(t) FILTER (WHERE name = 'load') AS t0,
    max(t) FILTER (WHERE name IN ('drain', 'end')) AS t1
FROM event
WHERE e = 'phase';

-- When something was being disturbed, the time to heal included.
CREATE TABLE disturbance AS
SELECT
    s.t AS t0,
    coalesce(f.t, 9e18::bigint) AS t1,
    coalesce(f.t, 9e18::bigint) + (cfg('heal_ms') * 1000000)::bigint AS healed
FROM event AS s
CROSS JOIN LATERAL (
    SELECT min(f.t) AS t
    FROM event AS f
    WHERE f.e = 'fault.stop' AND f.name = s.name AND f.t > s.t
) AS f
WHERE s.e = 'fault.start';

-- What the looks at the servers found.
CREATE TABLE sample AS
SELECT
    t, (x ->> 'orphans')::bigint AS orphans, (x ->> 'due')::bigint AS due,
    (x ->> 'oldest_ms')::bigint AS oldest_ms, (x ->> 'free_slots')::bigint AS free_slots,
    (x ->> 'open')::bigint AS open, (x ->> 'connections')::bigint AS connections,
    (x ->> 'deadlocks')::bigint AS deadlocks, (x ->> 'dead_rows')::bigint AS dead_rows,
    EXISTS (SELECT FROM disturbance AS d WHERE event.t BETWEEN d.t0 AND d.healed) AS disturbed
FROM event
WHERE e = 'sample' AND name = 'postgres';
ANALYZE;
