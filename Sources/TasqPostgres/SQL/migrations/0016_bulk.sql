-- What more a bulk action can be told: to take the jobs that are tried again, or that failed with a text;
-- and to replay stored events of a source at a rate, in events a second.
--
-- Programs of before would take such a row without the columns they do not know, and so act on jobs that
-- were not meant. They look for rows that are `running`; one with more in it than they can read is
-- `going`, means the same, and is left to programs that can.
ALTER TABLE tasq.bulk
    ADD COLUMN retrying boolean NOT NULL DEFAULT false,
    ADD COLUMN with_reason text CHECK (octet_length(with_reason) BETWEEN 1 AND 2000),
    ADD COLUMN source text,
    ADD COLUMN rate integer CHECK (rate BETWEEN 1 AND 10000),
    DROP CONSTRAINT bulk_action_check,
    DROP CONSTRAINT bulk_state_check,
    DROP CONSTRAINT bulk_finished_iff_over,
    ADD CONSTRAINT bulk_action_check
        CHECK (action IN ('retry', 'cancel', 'delete', 'replay')),
    ADD CONSTRAINT bulk_replay_has_rate CHECK ((action = 'replay') = (rate IS NOT NULL)),
    ADD CONSTRAINT bulk_state_check
        CHECK (state IN ('running', 'going', 'done', 'cancelled', 'failed')),
    ADD CONSTRAINT bulk_finished_iff_over
        CHECK ((finished_at IS NULL) = (state IN ('running', 'going'))),
    ADD CONSTRAINT bulk_running_is_plain
        CHECK (
            state <> 'running' OR (NOT retrying AND with_reason IS NULL AND action <> 'replay'));

DROP INDEX tasq.bulk_running;
CREATE INDEX bulk_running ON tasq.bulk (created_at) WHERE state IN ('running', 'going');
