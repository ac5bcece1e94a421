-- Takes the limit of a queue away; returns a row when it had one.
--
--   $1 text  the queue
DELETE FROM tasq.flow_limit AS f
WHERE f.queue = $1::text
RETURNING f.queue
