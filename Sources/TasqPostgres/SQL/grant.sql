-- Records what roles may do.
--
--   $1 text[]  roles   $2 text[]  what each may do: enqueuer, worker or operator
--
-- Returns the roles that this server does not have; then nothing is recorded.
WITH wanted AS (
    SELECT u.role, u.rights
    FROM unnest($1::text[], $2::text[]) AS u (role, rights)
),
missing AS MATERIALIZED (
    SELECT w.role
    FROM wanted AS w
    WHERE NOT EXISTS (SELECT FROM pg_roles AS r WHERE r.rolname = w.role)
),
recorded AS (
    INSERT INTO tasq.granted (role, rights)
    SELECT DISTINCT w.role, w.rights
    FROM wanted AS w
    WHERE NOT EXISTS (SELECT FROM missing)
    ON CONFLICT DO NOTHING
)
SELECT m.role
FROM missing AS m
