-- The kinds of the newest jobs, by name.
--
--   $1 bigint  jobs looked at, at most   $2 bigint  kinds, at most
--
-- All kinds there have ever been would be a walk over the history: no index begins with the kind.
SELECT DISTINCT n.kind
FROM (SELECT j.kind FROM tasq.job AS j ORDER BY j.id DESC LIMIT $1::bigint) AS n
ORDER BY n.kind
LIMIT $2::bigint
