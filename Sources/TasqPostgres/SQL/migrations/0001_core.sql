-- The core: jobs, their bodies, claims, workers, and the few rows that coordinate them.
--
-- The hot row, `job`, is narrow: the body stands in a table of its own, written once, because a
-- body inside `job` would be copied by every transition. Its existence in `executing_job` is the
-- right to run. Nothing here is unlogged and nothing depends on session state.

CREATE TYPE tasq.job_status AS ENUM
    ('scheduled', 'queued', 'executing', 'success', 'error', 'cancelled');

CREATE TABLE tasq.payload (
    id           uuid PRIMARY KEY,
    source       text,
    event_id     text,
    content_type text NOT NULL,
    headers      bytea NOT NULL DEFAULT '',
    body         bytea NOT NULL,
    received_at  timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT event_has_source CHECK (event_id IS NULL OR source IS NOT NULL)
);

-- A provider's event is stored once, whatever it repeats and wherever it arrives.
CREATE UNIQUE INDEX payload_event ON tasq.payload (source, event_id) WHERE event_id IS NOT NULL;

CREATE TABLE tasq.job (
    id           uuid PRIMARY KEY,
    payload_id   uuid NOT NULL,
    queue        text NOT NULL,
    kind         text NOT NULL,
    status       tasq.job_status NOT NULL,
    priority     smallint NOT NULL,
    attempt      smallint NOT NULL DEFAULT 0,
    max_attempts smallint NOT NULL,
    crashes      smallint NOT NULL DEFAULT 0,
    handbacks    smallint NOT NULL DEFAULT 0,
    key          text,
    unique_key   text,
    run_at       timestamptz NOT NULL,
    enqueued_at  timestamptz NOT NULL DEFAULT now(),
    claimed_at   timestamptz,
    finished_at  timestamptz,
    last_claim   uuid,
    CONSTRAINT names CHECK (queue ~ '^[A-Za-z0-9_.:-]{1,100}$' AND kind ~ '^[A-Za-z0-9_.:-]{1,100}$'),
    CONSTRAINT priority_range CHECK (priority BETWEEN 0 AND 3),
    CONSTRAINT attempt_range CHECK (attempt BETWEEN 0 AND max_attempts AND max_attempts BETWEEN 1 AND 1000),
    CONSTRAINT finished_iff_final CHECK
        ((finished_at IS NOT NULL) = (status IN ('success', 'error', 'cancelled')))
) WITH (
    fillfactor = 85,
    autovacuum_vacuum_scale_factor = 0.02,
    autovacuum_vacuum_insert_scale_factor = 0.1,
    autovacuum_analyze_scale_factor = 0.05
);

-- Partial, so that finished rows cost the hot path nothing however many there are.
CREATE INDEX job_queued ON tasq.job (queue, priority, run_at, id) WHERE status = 'queued';
CREATE INDEX job_scheduled ON tasq.job (run_at) WHERE status = 'scheduled';
CREATE INDEX job_suspect ON tasq.job (run_at) WHERE status = 'queued' AND crashes > 0;
CREATE INDEX job_error ON tasq.job (id) WHERE status = 'error';
CREATE INDEX job_error_payload ON tasq.job (payload_id) WHERE status = 'error';

-- The claim. `id` is the fencing token, random and so unique for ever; nothing that ends a claim
-- may go by the worker alone. No foreign keys: they would add locks to order (see claim.sql).
CREATE TABLE tasq.executing_job (
    job_id     uuid PRIMARY KEY,
    id         uuid NOT NULL,
    worker_id  uuid NOT NULL,
    attempt    smallint NOT NULL,
    claimed_at timestamptz NOT NULL
) WITH (
    autovacuum_vacuum_scale_factor = 0,
    autovacuum_vacuum_threshold = 2000,
    autovacuum_analyze_scale_factor = 0,
    autovacuum_analyze_threshold = 2000
);

CREATE TABLE tasq.worker (
    id            uuid PRIMARY KEY,
    host          text NOT NULL,
    pid           integer NOT NULL,
    queues        text[] NOT NULL,
    concurrency   integer NOT NULL,
    version       text NOT NULL,
    heartbeat_us  bigint NOT NULL,
    lease_us      bigint NOT NULL,
    lock_held     boolean NOT NULL DEFAULT false,
    heartbeat_seq bigint NOT NULL DEFAULT 0,
    started_at    timestamptz NOT NULL DEFAULT now(),
    seen_at       timestamptz NOT NULL DEFAULT now()
) WITH (fillfactor = 50);

-- One row per attempt that failed or was cut off; a clean first success costs no row.
CREATE TABLE tasq.attempt (
    job_id     uuid NOT NULL,
    claim      uuid NOT NULL,
    attempt    smallint NOT NULL,
    worker_id  uuid,
    outcome    text NOT NULL,
    reason     text CHECK (octet_length(reason) <= 2000),
    started_at timestamptz NOT NULL,
    ended_at   timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (job_id, claim)
);

CREATE TABLE tasq.unique_key (
    key    text PRIMARY KEY,
    job_id uuid NOT NULL
);

CREATE TABLE tasq.queue_setting (
    queue  text PRIMARY KEY,
    paused boolean NOT NULL DEFAULT false
);

-- Terms of singletons. A row, not a session lock, so that a pooler cannot break it.
CREATE TABLE tasq.leader (
    name       text PRIMARY KEY,
    holder     uuid NOT NULL,
    term       bigint NOT NULL,
    counter    bigint NOT NULL,
    expires_at timestamptz NOT NULL
) WITH (fillfactor = 50);

CREATE TABLE tasq.setting (
    name  text PRIMARY KEY,
    value text NOT NULL
);

INSERT INTO tasq.setting (name, value) VALUES ('epoch', gen_random_uuid()::text);
