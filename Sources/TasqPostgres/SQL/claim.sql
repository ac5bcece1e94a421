-- Claims those of the offered jobs that may run now, and returns them with their bodies.
--
--   $1 uuid[]  ids, as announced: hints, possibly repeated, stale or foreign
--   $2 uuid    the worker
--   $3 text[]  the queues it serves
--
-- Lock order, here and in every statement that ends a claim: job rows, then claim rows, nothing
-- else. The row lock comes first and re-checks the row as it is now, so an id whose claim is just
-- being settled is skipped. The obvious form, INSERT … SELECT … ON CONFLICT DO NOTHING without
-- the lock, waits for the other session's delete of the same claim and then inserts from its old
-- snapshot: the finished job runs again. `attempt` is taken from the locking select for the same
-- reason. SKIP LOCKED: a claim never waits for a job row, so its order of locking cannot deadlock.
-- IS TRUE leaves the ids alone for an index to go by: a plan made while few rows wait would walk the
-- index of those that wait and compare each with every id, and be kept for when there are a million of
-- them; one for a table never analyzed would read every row of the queue from an index that somebody
-- added.
WITH due AS MATERIALIZED (
    SELECT j.id, j.attempt
    FROM tasq.job AS j
    WHERE j.id = ANY ($1::uuid[])
        AND (
            j.status = 'queued'
            AND @claimable(job: j, crashes: < 2)
            AND j.queue = ANY ($3::text[])
        ) IS TRUE
        AND @open_queue(queue: j.queue)
        AND EXISTS (SELECT FROM tasq.worker AS w WHERE w.id = $2::uuid)
        AND @known_kind(worker: $2)
    ORDER BY j.id
    FOR NO KEY UPDATE OF j SKIP LOCKED
),
@claimed(worker: $2)
