-- Puts schedules in, or others in their place; with $11 takes away configured ones that are not named.
--
--   $1 text[] name   $2 text[] cron   $3 text[] zone   $4 text[] clock_change   $5 text[] missed
--   $6 bigint[] jitter in microseconds   $7 timestamptz[] starts_at   $8 timestamptz[] ends_at
--   $9 text[] kind   $10 bytea[] payload   $11 boolean  whether they are all of a configuration
--   then the options of their jobs, each array as long as $1
--
-- One that stands as it is to stand is left alone, as at each start of a process: then its next tick
-- stays. One that does not tick is planned anew all the same: its zone may have been installed since.
-- Where only its job is another, its next tick stays. A pause outlives a change. All rows are locked by
-- name first: two processes of different configurations that start together would each wait for what
-- the other deletes. For the same reason a row that came after this began is not locked out of that
-- order, but stands as it came: it was put in later.
WITH input AS MATERIALIZED (
    SELECT
        u.name, u.cron, u.zone, u.clock_change, u.missed, u.jitter_us, u.starts_at, u.ends_at, u.kind,
        u.payload, @options_of(row: u)
    FROM unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[],
        $7::timestamptz[], $8::timestamptz[], $9::text[], $10::bytea[], @option_arrays)
        AS u (name, cron, zone, clock_change, missed, jitter_us, starts_at, ends_at, kind, payload,
            @options)
),
held AS MATERIALIZED (
    SELECT s.name
    FROM tasq.schedule AS s
    WHERE s.name = ANY ($1::text[]) OR ($11::boolean AND s.configured)
    ORDER BY s.name
    FOR UPDATE OF s
),
gone AS (
    DELETE FROM tasq.schedule AS s
    USING held AS h
    WHERE s.name = h.name AND $11::boolean AND s.configured AND NOT s.name = ANY ($1::text[])
),
changed AS (
    UPDATE tasq.schedule AS s
    SET cron = i.cron, zone = i.zone, clock_change = i.clock_change, missed = i.missed,
        jitter_us = i.jitter_us, starts_at = i.starts_at, ends_at = i.ends_at, kind = i.kind,
        payload = i.payload, configured = $11::boolean, @option_changes(row: i),
        next_at = CASE
            WHEN (s.cron, s.zone, s.clock_change, s.starts_at, s.ends_at) IS DISTINCT FROM
                (i.cron, i.zone, i.clock_change, i.starts_at, i.ends_at) OR s.problem IS NOT NULL
            THEN now() ELSE s.next_at
        END,
        planned = (s.cron, s.zone, s.clock_change, s.starts_at, s.ends_at) IS NOT DISTINCT FROM
            (i.cron, i.zone, i.clock_change, i.starts_at, i.ends_at)
            AND s.problem IS NULL AND s.planned,
        problem = NULL,
        version = s.version + 1
    FROM input AS i
    JOIN held AS h ON h.name = i.name
    WHERE s.name = i.name
        AND (
            s.problem IS NOT NULL
            OR (
                s.cron, s.zone, s.clock_change, s.missed, s.jitter_us, s.starts_at, s.ends_at, s.kind,
                s.payload, s.configured, @options_of(row: s)
            ) IS DISTINCT FROM (
                i.cron, i.zone, i.clock_change, i.missed, i.jitter_us, i.starts_at, i.ends_at, i.kind,
                i.payload, $11::boolean, @options_of(row: i)))
)
INSERT INTO tasq.schedule AS s (
    name, cron, zone, clock_change, missed, jitter_us, starts_at, ends_at, kind, payload, configured,
    @options)
SELECT
    i.name, i.cron, i.zone, i.clock_change, i.missed, i.jitter_us, i.starts_at, i.ends_at, i.kind,
    i.payload, $11::boolean, @options_of(row: i)
FROM input AS i
CROSS JOIN (SELECT count(*) FROM held) AS h
ORDER BY i.name
ON CONFLICT (name) DO NOTHING
