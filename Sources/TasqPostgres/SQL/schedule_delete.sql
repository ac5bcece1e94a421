-- Takes a schedule away; returns a row when there was one. Jobs it has put in stay, and so does which
-- ticks were fired: one of the same name fires none of them again.
--
--   $1 text  its name
DELETE FROM tasq.schedule AS s
WHERE s.name = $1::text
RETURNING s.name
