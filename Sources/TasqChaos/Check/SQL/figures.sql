-- What a run came to, as named numbers.

-- Jobs done, by time: a few hundred short spans of it are counted, and without an index each would go
-- through all.
CREATE TEMP TABLE done AS SELECT t FROM event WHERE e = 'end' AND out = 'ok';
CREATE INDEX ON done (t);
ANALYZE done;

WITH span AS (
    SELECT
        (SELECT min(t) FROM event WHERE e = 'phase' AND name = 'load') AS load,
        coalesce((SELECT min(t0) FROM disturbance), 9e18::bigint) AS broken,
        -- The end of what was done; until `fault.stop` some faults wait for what is started again.
        coalesce(
            (SELECT max(t) FROM event WHERE e = 'phase' AND name = 'undone'),
            (SELECT max(t1) FROM disturbance WHERE t1 < 9e18), 9e18::bigint) AS mended,
        coalesce(
            (SELECT min(t) FROM event WHERE e = 'phase' AND name = 'drain'), 9e18::bigint) AS drain
),
-- Jobs done in the three seconds that begin with each tenth of a second: one good second is luck.
tenth AS (
    SELECT g.t, (
        SELECT count(*) FROM done AS d WHERE d.t >= g.t AND d.t < g.t + 3000000000
    ) AS in_three
    FROM span, generate_series(
        span.load, least(span.drain, span.load + 1200000000000), 100000000) AS g (t)
    WHERE span.mended < 9e18
        AND g.t BETWEEN span.mended - 1000000000 AND span.mended + 60000000000
),
base AS (
    SELECT
        (SELECT count(*) FROM done AS d, span
            WHERE d.t >= span.load + 300000000 AND d.t < least(span.broken, span.drain))
        * 1e9 / nullif(least(span.broken, span.drain) - span.load - 300000000, 0) AS rate
    FROM span
),
-- The next run of each job whose run was cut off by the end or the pause of its process.
takeover AS (
    SELECT c.crashes, s.t AS cut, (
        SELECT min(n.t0) FROM run AS n WHERE n.job = r.job AND n.t0 > s.t AND n.claim <> r.claim
    ) AS again
    FROM run AS r
    JOIN event AS s ON s.e = 'signalled' AND s.out IN ('KILL', 'STOP', 'CUT', 'FAIL')
        AND s.pid = r.pid AND s.t > r.t0 AND (r.t1 IS NULL OR s.t < r.t1)
    JOIN claim AS c ON c.claim = r.claim AND c.ending = 'reaped'
),
wait AS (
    SELECT (again - cut) / 1e6 AS ms, crashes FROM takeover WHERE again IS NOT NULL
),
-- From the acknowledgement to the first line of the handler, of jobs that were due at once.
pickup AS (
    SELECT greatest(0, r.t0 - q.acknowledged) / 1e6 AS ms, r.t0
    FROM enq AS q
    JOIN run AS r ON r.token = q.token AND r.att = 1
    JOIN change AS i ON i.tbl = 'job' AND i.op = 'I' AND i.job = r.job AND i.status = 'queued'
    WHERE q.ms IS NOT NULL
),
-- Of processes that lived for five minutes and 40 % of the run, from their third minute on.
growth AS (
    SELECT
        regr_slope((x ->> 'rss_kb')::float8 / 1024, t / 3.6e12) AS memory,
        regr_slope((x ->> 'fds')::float8, t / 3.6e12) AS files
    FROM (
        SELECT *, min(t) OVER (PARTITION BY pid) AS born, max(t) OVER (PARTITION BY pid) AS died,
            max(t) OVER () - min(t) OVER () AS whole
        FROM event
        WHERE e = 'sample' AND x ? 'rss_kb'
    ) AS s
    WHERE died - born > greatest(300000000000, 0.4 * whole) AND t > born + 120000000000
    GROUP BY pid
),
-- What each worker took of a core while something was disturbed.
busy AS (
    SELECT
        (max((s.x ->> 'cpu_ms')::float8) - min((s.x ->> 'cpu_ms')::float8))
            / nullif((max(s.t) - min(s.t))::float8 / 1e6, 0) * 100 AS share
    FROM event AS s, span
    WHERE s.e = 'sample' AND s.x ? 'cpu_ms' AND s.name LIKE 'w%'
        AND s.t BETWEEN span.broken AND span.mended
    GROUP BY s.pid
),
-- How soon each worker that outlived the fault was at work again: one that looks alive and takes
-- nothing is hidden by the others.
again AS (
    SELECT (coalesce(min(r.t0), 9e18) - span.mended) / 1e6 AS ms
    FROM span
    JOIN worker AS w ON w.t0 < span.mended AND coalesce(w.t1, 9e18) > span.drain
    LEFT JOIN claim AS c ON c.worker = w.worker
    LEFT JOIN run AS r ON r.claim = c.claim AND r.t0 >= span.mended
    WHERE span.mended < 9e18 AND allowed('clock_is_true')
    GROUP BY w.worker, span.mended
),
-- Of PostgreSQL's clients, while nothing is disturbed.
sessions AS (
    SELECT count(*) AS looks, regr_slope(connections::float8, t / 3.6e12) AS growth
    FROM sample
    WHERE NOT disturbed
),
ack AS (
    SELECT t, ms, t - lag(t) OVER (ORDER BY t) AS gap,
        EXISTS (SELECT FROM disturbance AS d WHERE event.t BETWEEN d.t0 AND d.t1) AS disturbed
    FROM event
    WHERE e = 'acknowledged'
)
SELECT 'jobs acknowledged', count(*)::float8, '' FROM enq WHERE acknowledged IS NOT NULL
UNION ALL SELECT 'acknowledged while the standby lagged', count(*), '' FROM enq
    WHERE may_be_lost(acknowledged)
UNION ALL SELECT 'lost with the primary', count(*), '' FROM lost_with_primary
UNION ALL SELECT 'runs', count(*), '' FROM run
UNION ALL SELECT 'runs repeated', count(*), '' FROM (
    SELECT lag(ending) OVER (PARTITION BY job ORDER BY n0) AS before FROM claim
) AS c WHERE c.before IN ('reaped', 'taken', 'handed back')
UNION ALL SELECT 'runs that overlap', count(*), '' FROM run AS a
    JOIN run AS b ON b.job = a.job AND b.claim <> a.claim AND b.t0 >= a.t0
        AND b.t0 < coalesce(a.t1, 9e18)
-- By a worker that was disturbed, of jobs that nobody called off.
UNION ALL SELECT 'runs cancelled', count(*), '' FROM event AS f
    WHERE f.e = 'end' AND f.out = 'cancelled' AND f.pid IN (SELECT pid FROM disturbed)
        AND NOT EXISTS (SELECT FROM job AS j WHERE j.job = f.job AND j.status = 'cancelled')
UNION ALL SELECT 'times killed', count(*), '' FROM event WHERE e = 'signalled' AND out = 'KILL'
UNION ALL SELECT 'times stopped', count(*), '' FROM event WHERE e = 'signalled' AND out = 'STOP'
UNION ALL SELECT 'ways in which processes died', count(DISTINCT out), '' FROM event
    WHERE e = 'exit' AND out LIKE 'signal %'
-- By their own decision, with the exit code for it.
UNION ALL SELECT 'ended because nothing ran', count(*), '' FROM event
    WHERE e = 'exit' AND out = 'exit 70'
UNION ALL SELECT 'claims reaped', count(*), '' FROM claim WHERE ending = 'reaped'
UNION ALL SELECT 'handed back', count(*), '' FROM claim WHERE ending = 'handed back'
UNION ALL SELECT 'workers declared dead', count(*), '' FROM worker AS w
    WHERE w.n1 IS NOT NULL AND NOT EXISTS (
        SELECT FROM event AS e WHERE e.pid = w.pid AND e.out IN ('TERM', 'INT') AND e.t < w.t1)
-- Processes that found themselves declared dead, and came back under another id.
UNION ALL SELECT 'registered anew', count(*), '' FROM (
    SELECT FROM worker GROUP BY pid HAVING count(*) > 1) AS w
UNION ALL SELECT 'outcomes discarded', count(*), '' FROM event WHERE e = 'lost'
UNION ALL SELECT 'takeover p50', coalesce(percentile_cont(0.5) WITHIN GROUP (ORDER BY ms), 0), 'ms'
    FROM wait
-- A job that a second worker died with waits until it can run alone.
UNION ALL SELECT 'takeover max', coalesce(max(ms), 0), 'ms' FROM wait WHERE crashes = 0
UNION ALL SELECT 'takeover max, second death', coalesce(max(ms), 0), 'ms'
    FROM wait WHERE crashes > 0
UNION ALL SELECT 'taken over', count(*), '' FROM wait
UNION ALL SELECT 'rate before', coalesce(rate, 0), 'jobs/s' FROM base
UNION ALL SELECT 'rate during', coalesce((
        SELECT count(*) FROM done AS d, span WHERE d.t BETWEEN span.broken AND span.mended
    ) * 1e9 / nullif((SELECT mended - broken FROM span WHERE mended < 9e18), 0), 0), 'jobs/s'
UNION ALL SELECT 'rate during, share', coalesce((
        SELECT count(*) FROM done AS d, span WHERE d.t BETWEEN span.broken AND span.mended
    ) * 1e9 / nullif((SELECT mended - broken FROM span WHERE mended < 9e18), 0)
    / nullif((SELECT rate FROM base), 0) * 100, 0), '%'
UNION ALL SELECT 'healed', coalesce((
        SELECT min(greatest(0, tenth.t - span.mended)) / 1e6 FROM tenth, base, span
        WHERE tenth.t >= span.mended AND tenth.in_three >= 0.9 * 3 * base.rate
            -- Other runs may have slowed it before its fault, so that too little would do.
            AND tenth.in_three >= 0.9 * 3 * cfg('steady_rate')
    ), CASE WHEN (SELECT mended FROM span) < 9e18 THEN 9e9 ELSE 0 END), 'ms'
-- Of a worker that stood still until its claims were gone: it must find that out when it goes on,
-- and tell its handlers.
UNION ALL SELECT 'handlers ran on for', coalesce(max(r.t1 - g.t) / 1e6, 0), 'ms'
    FROM run AS r
    JOIN claim AS c ON c.claim = r.claim AND c.ending = 'reaped'
    JOIN event AS g ON g.e = 'signalled' AND g.out = 'CONT' AND g.pid = r.pid
        AND g.t BETWEEN r.t0 AND r.t1 AND g.t > mono(c.at1)
    WHERE r.p <> 'endpoint'
UNION ALL SELECT 'last worker at work again', coalesce(max(ms), 0), 'ms' FROM again
UNION ALL SELECT 'enqueue p99', coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), 0), 'ms'
    FROM ack WHERE NOT disturbed
UNION ALL SELECT 'enqueue p99 during',
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), 0), 'ms'
    FROM ack WHERE disturbed
UNION ALL SELECT 'requests failed', count(*), '' FROM event WHERE e = 'unanswered'
-- With 4xx: nothing is wrong with what is asked for.
UNION ALL SELECT 'requests refused', count(DISTINCT batch), '' FROM event WHERE e = 'refused'
-- Told neither that it was done nor, soon, that it cannot be done now.
UNION ALL SELECT 'requests without a clear answer', count(*), '' FROM event
    WHERE e = 'unanswered' AND (out IS DISTINCT FROM '503' OR ms > cfg('clear_ms'))
UNION ALL SELECT 'requests failed before', count(*), '' FROM event AS e, span
    WHERE e.e = 'unanswered' AND e.t < span.broken
UNION ALL SELECT 'longest without an acknowledgement', coalesce(max(gap), 0) / 1e6, 'ms' FROM ack
UNION ALL SELECT 'requests failed later', count(*), '' FROM event AS e, span
    WHERE e.e = 'unanswered' AND e.t - e.ms * 1e6 > span.mended
UNION ALL SELECT 'pickup p99 before',
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), 0), 'ms'
    FROM pickup, span WHERE t0 > span.load + 300000000 AND t0 < span.broken
UNION ALL SELECT 'pickup p99 at the end of the fault',
    coalesce(percentile_cont(0.99) WITHIN GROUP (ORDER BY ms), 0), 'ms'
    FROM pickup, span WHERE span.mended < 9e18
        AND t0 BETWEEN span.mended - least(60000000000, (span.mended - span.broken) / 2)
            AND span.mended
UNION ALL SELECT 'pickup p99, times the one before', coalesce(
    (SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM pickup, span
        WHERE span.mended < 9e18
            AND t0 BETWEEN span.mended - least(60000000000, (span.mended - span.broken) / 2)
                AND span.mended)
    / nullif((SELECT percentile_cont(0.99) WITHIN GROUP (ORDER BY ms) FROM pickup, span
        WHERE t0 > span.load + 300000000 AND t0 < span.broken), 0), 0), '×'
UNION ALL SELECT 'memory growth an hour', coalesce(max(greatest(0, memory)), 0), 'MB' FROM growth
UNION ALL SELECT 'open files growth an hour', coalesce(max(greatest(0, files)), 0), '' FROM growth
UNION ALL SELECT 'processes that lived', count(*), '' FROM growth
UNION ALL SELECT 'connections growth an hour', coalesce(greatest(0, growth), 0), '' FROM sessions
UNION ALL SELECT 'undisturbed looks', looks, '' FROM sessions
UNION ALL SELECT 'worker CPU during', coalesce(max(share), 0), '%' FROM busy
UNION ALL SELECT 'most memory', coalesce(max((x ->> 'rss_kb')::float8) / 1024, 0), 'MB'
    FROM event WHERE e = 'sample' AND x ? 'rss_kb'
