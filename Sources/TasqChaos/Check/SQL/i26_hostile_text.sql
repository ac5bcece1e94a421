-- I26: no text that a handler fails with keeps its own or another's outcome from being written.
SELECT j.job::text AS subject, 'failed with a hostile text, left ' || j.status AS detail
FROM job AS j
WHERE j.kind = 'hostile' AND j.status NOT IN ('success', 'cancelled')
UNION ALL
SELECT a.claim::text, a.reason_bytes || ' bytes of a reason'
FROM attempt AS a
WHERE a.reason_bytes > 2000
