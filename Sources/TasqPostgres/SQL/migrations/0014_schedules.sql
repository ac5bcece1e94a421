-- Schedules, and which of their ticks have been fired.
--
-- `next_at` is the next tick once `planned`, and before that the time since when it is looked for: so
-- whoever writes a schedule need not know how to read a cron text. It is `infinity` when nothing comes
-- any more. Every change raises `version`; what was computed from an older one is not written.
CREATE TABLE tasq.schedule (
    name         text PRIMARY KEY,
    cron         text NOT NULL,
    zone         text NOT NULL DEFAULT 'UTC',
    clock_change text NOT NULL DEFAULT 'once' CHECK (clock_change IN ('skip', 'once', 'twice')),
    missed       text NOT NULL DEFAULT 'latest' CHECK (missed IN ('skip', 'latest', 'all')),
    jitter_us    bigint NOT NULL DEFAULT 0 CHECK (jitter_us BETWEEN 0 AND 86400000000),
    starts_at    timestamptz,
    ends_at      timestamptz,
    kind         text NOT NULL,
    queue        text NOT NULL DEFAULT 'default',
    priority     smallint NOT NULL DEFAULT 1 CHECK (priority BETWEEN 0 AND 3),
    max_attempts smallint NOT NULL DEFAULT 20 CHECK (max_attempts BETWEEN 1 AND 1000),
    key          text CHECK (octet_length(key) BETWEEN 1 AND 200),
    payload      bytea NOT NULL DEFAULT '{}' CHECK (octet_length(payload) <= 65536),
    paused       boolean NOT NULL DEFAULT false,
    configured   boolean NOT NULL DEFAULT false,
    next_at      timestamptz NOT NULL DEFAULT now(),
    planned      boolean NOT NULL DEFAULT false,
    last_tick    timestamptz,
    problem      text CHECK (octet_length(problem) <= 2000),
    version      bigint NOT NULL DEFAULT 1,
    CONSTRAINT schedule_names CHECK (
        name ~ '^[A-Za-z0-9_.:-]{1,100}$' AND kind ~ '^[A-Za-z0-9_.:-]{1,100}$'
        AND queue ~ '^[A-Za-z0-9_.:-]{1,100}$'),
    CONSTRAINT schedule_texts CHECK (
        octet_length(cron) BETWEEN 1 AND 200 AND octet_length(zone) BETWEEN 1 AND 100)
) WITH (fillfactor = 50);

CREATE INDEX schedule_due ON tasq.schedule (next_at) WHERE NOT paused;

-- A tick is fired once, however many fire: this key decides, not who leads. The times come first, so
-- that the oldest are found together when they are forgotten.
CREATE TABLE tasq.schedule_tick (
    tick     timestamptz NOT NULL,
    schedule text NOT NULL,
    job_id   uuid NOT NULL,
    PRIMARY KEY (tick, schedule)
);
CREATE UNIQUE INDEX schedule_tick_job ON tasq.schedule_tick (job_id);

-- Puts a schedule in, or another in its place; from SQL, in anybody's transaction. Whether the text
-- and the zone are right is found by the process that plans the next tick, within a second or a few,
-- and then stands in `problem`.
CREATE FUNCTION tasq.put_schedule(
    name text, cron text, kind text, payload jsonb DEFAULT '{}', zone text DEFAULT 'UTC',
    queue text DEFAULT 'default', priority bigint DEFAULT 1, max_attempts bigint DEFAULT 20,
    key text DEFAULT NULL, clock_change text DEFAULT 'once', missed text DEFAULT 'latest',
    jitter interval DEFAULT '0', starts_at timestamptz DEFAULT NULL,
    ends_at timestamptz DEFAULT NULL
) RETURNS void
LANGUAGE sql VOLATILE
AS $$
    INSERT INTO tasq.schedule AS s (
        name, cron, kind, payload, zone, queue, priority, max_attempts, key, clock_change, missed,
        jitter_us, starts_at, ends_at)
    VALUES (
        $1, $2, $3, convert_to($4::text, 'UTF8'), $5, $6, $7, $8, $9, $10, $11,
        (extract(epoch FROM $12) * 1000000)::bigint, $13, $14)
    ON CONFLICT (name) DO UPDATE SET
        cron = EXCLUDED.cron, kind = EXCLUDED.kind, payload = EXCLUDED.payload,
        zone = EXCLUDED.zone, queue = EXCLUDED.queue, priority = EXCLUDED.priority,
        max_attempts = EXCLUDED.max_attempts, key = EXCLUDED.key,
        clock_change = EXCLUDED.clock_change, missed = EXCLUDED.missed,
        jitter_us = EXCLUDED.jitter_us, starts_at = EXCLUDED.starts_at, ends_at = EXCLUDED.ends_at,
        configured = false, next_at = now(), planned = false, problem = NULL,
        version = s.version + 1
$$;

REVOKE ALL ON FUNCTION tasq.put_schedule(
    text, text, text, jsonb, text, text, bigint, bigint, text, text, text, interval, timestamptz,
    timestamptz) FROM PUBLIC;

-- All of it belongs to whoever owns the jobs, whoever runs this.
DO $$
DECLARE
    keeper text := (SELECT quote_ident(pg_get_userbyid(c.relowner)) FROM pg_class AS c
        WHERE c.oid = 'tasq.job'::regclass);
BEGIN
    EXECUTE format('ALTER TABLE tasq.schedule OWNER TO %s', keeper);
    EXECUTE format('ALTER TABLE tasq.schedule_tick OWNER TO %s', keeper);
    EXECUTE format(
        'ALTER FUNCTION tasq.put_schedule(text, text, text, jsonb, text, text, bigint, bigint, '
        'text, text, text, interval, timestamptz, timestamptz) OWNER TO %s', keeper);
END
$$;
