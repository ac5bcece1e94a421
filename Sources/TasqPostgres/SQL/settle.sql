-- Ends claims that still carry their own token, and moves their jobs on.
--
--   $1 uuid[]    job ids
--   $2 uuid[]    the claim each outcome belongs to: the fence
--   $3 text[]    success, retry, snooze, later, cancelled, error, handedback or unstarted; one alone
--                counts for all
--   $4 bigint[]  microseconds until a retry, snooze or later is due; none where all are 0
--   $5 text[]    why, for the attempt's record, or null; none where all are null
--
-- Returns the jobs that were moved. Of one that does not come back nothing was written: it had lost
-- its claim, or somebody has its row locked (settled_before.sql tells which), and no outcome waits
-- for another's lock. Job rows are locked first and in id order, as everywhere (see claim.sql): deleting
-- the claim first and locking the job second deadlocks with a claim and leaves claims behind.
-- The fence is the token: the worker's id would let a paused worker end the claim that it took
-- anew after being reaped. A job that is handed back keeps its attempt for another run, but only
-- 20 times: one that outlives every shutdown would otherwise go round for ever. One whose handler
-- never started is as it was before its claim, however often. One whose target says `later` keeps its
-- attempt too, `put_off_at` since when, as whoever decides the outcome bounds that by its age, and
-- `put_off_reason` why, as no attempt is recorded. A suspect that
-- ended its run in an orderly way is no suspect any more. The outcomes travel with the locked rows
-- rather than being joined again later: that join has no index, and cost 28 ms for 500 outcomes.
--
-- Rows are found by `= ANY (ARRAY[...])`, here and in the claims, where `=` would say the same: an
-- equality lets the planner read a whole index beside each row, which costs nothing while the
-- statistics say that the table is empty, as they do of executing_job after a quiet moment.
WITH held AS MATERIALIZED (
    SELECT
        j.id, u.claim, coalesce(u.verdict, ($3::text[])[1]) AS verdict,
        coalesce(u.delay_us, 0) AS delay_us, u.reason
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bigint[], $5::text[])
        AS u (job_id, claim, verdict, delay_us, reason)
    JOIN tasq.job AS j ON j.id = ANY (ARRAY[u.job_id])
    ORDER BY u.job_id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
gone AS (
    DELETE FROM tasq.executing_job AS e
    USING held AS h
    WHERE e.job_id = ANY (ARRAY[h.id]) AND e.id = h.claim
    RETURNING e.job_id, e.id AS claim, e.worker_id, e.attempt, e.claimed_at,
        h.verdict, h.delay_us, h.reason
),
settled AS (
    UPDATE tasq.job AS j
    SET
        status = (CASE
            WHEN g.verdict IN ('success', 'cancelled', 'error') THEN g.verdict
            WHEN g.verdict IN ('retry', 'snooze', 'later') AND g.delay_us > 0 THEN 'scheduled'
            WHEN g.verdict = 'handedback' AND j.handbacks >= 20 AND j.attempt >= j.max_attempts
                THEN 'error'
            ELSE 'queued'
        END)::tasq.job_status,
        finished_at = CASE
            WHEN g.verdict IN ('success', 'cancelled', 'error') THEN now()
            WHEN g.verdict = 'handedback' AND j.handbacks >= 20 AND j.attempt >= j.max_attempts
                THEN now()
        END,
        attempt = CASE
            WHEN g.verdict IN ('snooze', 'later', 'unstarted') THEN j.attempt - 1
            WHEN g.verdict = 'handedback' AND j.handbacks < 20 THEN j.attempt - 1
            ELSE j.attempt
        END,
        handbacks = j.handbacks + (g.verdict = 'handedback' AND j.handbacks < 20)::int,
        run_at = CASE
            WHEN g.verdict IN ('retry', 'snooze', 'later')
                THEN now() + g.delay_us * interval '1 microsecond'
            ELSE j.run_at
        END,
        crashes = CASE WHEN g.verdict IN ('retry', 'snooze', 'later') THEN 0 ELSE j.crashes END,
        put_off_at = CASE
            WHEN g.verdict = 'later' THEN coalesce(j.put_off_at, now())
            WHEN g.verdict IN ('snooze', 'handedback', 'unstarted') THEN j.put_off_at
        END,
        put_off_reason = CASE WHEN g.verdict = 'later' THEN left(g.reason, 200) END,
        last_claim = CASE WHEN g.verdict = 'handedback' THEN j.last_claim ELSE g.claim END
    FROM gone AS g
    WHERE j.id = ANY (ARRAY[g.job_id])
    RETURNING j.id, g.claim, j.status, j.queue, j.priority, j.unique_key
),
recorded AS (
    INSERT INTO tasq.attempt AS a
        (job_id, claim, attempt, worker_id, outcome, reason, started_at)
    SELECT g.job_id, g.claim, g.attempt, g.worker_id, g.verdict, g.reason, g.claimed_at
    FROM gone AS g
    WHERE g.verdict NOT IN ('success', 'snooze', 'later', 'unstarted')
    ON CONFLICT DO NOTHING
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING settled AS s
    WHERE k.key = ANY (ARRAY[s.unique_key]) AND k.job_id = s.id
        AND s.status IN ('success', 'error', 'cancelled')
)
SELECT s.id, s.claim, s.status::text, s.queue, s.priority
FROM settled AS s
