-- Puts a job in within a transaction of the caller's own, whatever driver that has: every value may be
-- bound as text.
--
--   $1 kind   $2 payload   $3 queue   $4 when it is due, in microseconds since 1970, or null
--   $5 microseconds of delay, or null   $6 priority   $7 unique_key, or null   $8 key, or null
--   $9 max_attempts   $10 unique_while   $11 on_conflict
--
-- A payload that is not JSON is bound as bytea (EnqueueStatement.swift). Not for the store's own use: its
-- statements write more at a time, and take ids that were made before.
SELECT tasq.enqueue(
    $1::text, $2::text, queue => $3::text,
    run_at => coalesce(
        timestamptz 'epoch' + $4::bigint * interval '1 microsecond',
        now() + coalesce($5::bigint, 0) * interval '1 microsecond'),
    priority => $6::bigint, unique_key => $7::text, key => $8::text, max_attempts => $9::bigint,
    unique_while => $10::text, on_conflict => $11::text) AS id
