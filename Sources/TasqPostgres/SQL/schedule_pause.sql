-- Pauses a schedule or resumes it; returns a row when there is one of that name.
--
--   $1 text     its name
--   $2 boolean  whether it is paused
--
-- One that is resumed goes on with the first tick after now: ticks during a pause are not missed. So
-- does one that does not tick and is not paused: what was wrong with it is looked at anew.
UPDATE tasq.schedule AS s
SET paused = $2::boolean,
    next_at = CASE
        WHEN (s.paused OR s.problem IS NOT NULL) AND NOT $2::boolean THEN now() ELSE s.next_at
    END,
    planned = s.planned AND NOT ((s.paused OR s.problem IS NOT NULL) AND NOT $2::boolean),
    problem = CASE WHEN NOT $2::boolean THEN NULL ELSE s.problem END,
    version = s.version + 1
WHERE s.name = $1::text
RETURNING s.name
