-- The columns of a job as lists show it, all but the reason; `e` is its claim.
j.id, j.kind, @options_of(row: j), j.status::text, j.attempt, j.crashes, j.unique_key, j.payload_id,
j.enqueued_at, j.run_at, j.claimed_at, j.finished_at, e.worker_id,
j.max_attempts - coalesce(j.budget, j.max_attempts) AS before
