-- What acting on jobs needs beside the tables it acts on.

-- Which jobs share the body of one event: asked when one of them is deleted. A job that was
-- enqueued by itself has its own id for its body and is left out, so an enqueue pays nothing.
CREATE INDEX job_shared_payload ON tasq.job (payload_id) WHERE payload_id <> id;

-- An action on all jobs that match a filter, done page by page by whichever server holds the row.
-- `cursor` is the last job looked at; a holder that dies is replaced when its lease is over, and
-- the next one goes on from there. Only jobs enqueued before `created_at` are touched.
CREATE TABLE tasq.bulk (
    id            uuid PRIMARY KEY,
    action        text NOT NULL CHECK (action IN ('retry', 'cancel', 'delete')),
    status        text,
    queue         text,
    kind          text,
    key           text,
    since         timestamptz,
    until         timestamptz,
    dry_run       boolean NOT NULL,
    state         text NOT NULL DEFAULT 'running'
        CHECK (state IN ('running', 'done', 'cancelled', 'failed')),
    cursor        uuid,
    examined      bigint NOT NULL DEFAULT 0,
    matched       bigint NOT NULL DEFAULT 0,
    changed       bigint NOT NULL DEFAULT 0,
    passed_over   bigint NOT NULL DEFAULT 0,
    reason        text CHECK (octet_length(reason) <= 2000),
    holder        uuid,
    held_until    timestamptz,
    created_at    timestamptz NOT NULL DEFAULT now(),
    updated_at    timestamptz NOT NULL DEFAULT now(),
    finished_at   timestamptz,
    CONSTRAINT bulk_finished_iff_over CHECK ((finished_at IS NULL) = (state = 'running'))
);
CREATE INDEX bulk_running ON tasq.bulk (created_at) WHERE state = 'running';
