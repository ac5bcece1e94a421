-- Puts a job in within a transaction of the caller's own, whatever driver that has: every value may be
-- bound as text.
--
--   $1 kind   $2 payload   $3 when it is due, in microseconds since 1970, or null
--   $4 microseconds of delay, or null   $5 unique_key, or null   $6 unique_while   $7 on_conflict
--   then the job's options
--
-- A payload that is not JSON is bound as bytea (EnqueueStatement.swift). Not for the store's own use: its
-- statements write more at a time, and take ids that were made before.
SELECT tasq.enqueue(
    $1::text, $2::text,
    run_at => coalesce(
        timestamptz 'epoch' + $3::bigint * interval '1 microsecond',
        now() + coalesce($4::bigint, 0) * interval '1 microsecond'),
    unique_key => $5::text, unique_while => $6::text, on_conflict => $7::text, @option_arguments) AS id
