-- What there is to read of a job's body while a claim stands.
--
--   $1 uuid  the job   $2 uuid  the claim
--
-- No row: the claim is gone. Without the length: the body is.
SELECT j.payload_id, p.content_type, p.headers, octet_length(p.body)::bigint
FROM tasq.executing_job AS e
JOIN tasq.job AS j ON j.id = ANY (ARRAY[e.job_id])
LEFT JOIN tasq.payload AS p ON p.id = ANY (ARRAY[j.payload_id])
WHERE e.job_id = $1::uuid AND e.id = $2::uuid
