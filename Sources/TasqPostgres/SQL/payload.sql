-- The body of a job, byte for byte.
--
--   $1 uuid  the job
SELECT p.content_type, p.headers, p.body
FROM tasq.job AS j
JOIN tasq.payload AS p ON p.id = j.payload_id
WHERE j.id = $1::uuid
