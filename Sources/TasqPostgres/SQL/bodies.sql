-- Bodies that may have a text for a value in their JSON, of a list of them.
--
--   $1 uuid[]  the bodies, in order; one may stand there twice   $2 bytea  the text
--   $3 bigint  bytes that are looked into, of all of them together
--   $4 bigint  bytes of a body that is looked into, at most; no more than $3
--
-- Returns, by its place in $1 counted from 1, each body that has the text in it as it is, that has a
-- backslash, which may stand for a part of the text, or that is a form, where the JSON stands in another
-- writing. The others are not sent. Whether it is so is judged by whoever asks: a body need not be JSON,
-- and a cast of one that is none would end the statement. The row without a place tells how many of $1 were
-- looked into. How long a body is stands beside it, so that the bound costs no read.
WITH listed AS MATERIALIZED (
    SELECT
        u.place, p.id,
        CASE WHEN octet_length(p.body) <= $4::bigint THEN octet_length(p.body) ELSE 0 END AS bytes,
        octet_length(p.body) <= $4::bigint AS is_short
    FROM unnest($1::uuid[]) WITH ORDINALITY AS u (id, place)
    LEFT JOIN tasq.payload AS p ON p.id = ANY (ARRAY[u.id])
),
looked AS MATERIALIZED (
    SELECT s.place, s.id, s.is_short
    FROM (
        SELECT l.place, l.id, l.is_short, sum(l.bytes) OVER (ORDER BY l.place) AS total
        FROM listed AS l
    ) AS s
    WHERE s.total <= $3::bigint
)
SELECT k.place, p.content_type, p.headers, p.body, NULL::bigint AS looked
FROM looked AS k
JOIN tasq.payload AS p ON p.id = ANY (ARRAY[k.id])
WHERE k.is_short
    AND (
        position($2::bytea IN p.body) > 0
        OR position(decode('5c', 'hex') IN p.body) > 0
        OR position('tasq-form: '::bytea IN p.headers) > 0
    )
UNION ALL
SELECT NULL, NULL, NULL, NULL, (SELECT count(*) FROM looked AS k)
