-- Writes down how far a bulk action has come, and renews its hold or gives it up.
--
--   $1 uuid id   $2 uuid holder   $3 bigint microseconds of the hold from now; 0 gives it up
--   $4 text state   $5 uuid cursor   $6 bigint examined   $7 bigint matched   $8 bigint changed
--   $9 bigint passed over   $10 text why it failed, or null
--
-- What goes on keeps its own word for that; see migration 0016. No row: it was called off, or another one
-- holds it. Stop then. A hold that is given up has no holder, so that the next one need not know what
-- time it is.
UPDATE tasq.bulk AS b
SET state = CASE WHEN $4::text = 'running' THEN b.state ELSE $4::text END, cursor = $5::uuid,
    examined = $6::bigint, matched = $7::bigint, changed = $8::bigint, passed_over = $9::bigint, reason = $10::text,
    holder = CASE WHEN $3::bigint > 0 THEN b.holder END,
    held_until = now() + $3::bigint * interval '1 microsecond', updated_at = now(),
    finished_at = CASE WHEN $4::text <> 'running' THEN now() END
WHERE b.id = $1::uuid AND b.holder = $2::uuid AND b.state IN ('running', 'going')
RETURNING b.id
