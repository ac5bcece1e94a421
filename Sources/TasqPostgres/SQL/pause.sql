-- Pauses a queue or resumes it. Every claim reads this row, so it holds from the commit on.
--
--   $1 text     the queue, whether it has jobs or not
--   $2 boolean  whether it is paused
INSERT INTO tasq.queue_setting AS s (queue, paused)
VALUES ($1::text, $2::boolean)
ON CONFLICT (queue) DO UPDATE SET paused = EXCLUDED.paused
