-- Claims a suspect: a queued job that was on board when more than one worker died. It runs alone, so
-- that should it be what kills, nothing innocent is blamed so often that it is given up. A job of a
-- single dead worker is no suspect: most crashes are lost machines, and running what was on board
-- of one apart took 90 s where 13 were enough. Otherwise like claim.sql.
--
--   $1 uuid    the worker
--   $2 text[]  the queues it serves
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt
    FROM tasq.job AS j
    WHERE @suspect(worker: $1, queues: $2)
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = $1::uuid)
    ORDER BY j.run_at
    LIMIT 1
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
@claimed(worker: $1)
