-- The suspects among the jobs `j` that a worker could run: queued jobs that were on board when more than
-- one worker died.
--
--   @worker  the worker   @queues  the queues it serves
--
-- IS TRUE keeps the planner from looking for them among all that wait, in job_queued: as long as the
-- statistics say that few do, that looks as cheap, and with 200 000 it took 26 ms a sweep.
j.status = 'queued'
AND @claimable(job: j, crashes: > 1)
AND (j.queue = ANY (@queues::text[])) IS TRUE
AND @open_queue(queue: j.queue)
AND @known_kind(worker: @worker)
