-- A page of the queued and due jobs, for announcing them all again.
--
--   $1 text         queue         $2 bigint  priority
--   $3 timestamptz  run_at        $4 uuid    id         of the last row of the page before
--   $5 bigint       rows at most
--
-- In the partial index's own order, so each page is one short index walk; sweep.sql says why `status` is
-- asked for twice. The limit is a subquery, so that the planner cannot know it: where it believes in
-- fewer rows than that, as with statistics of an empty table, it would take all of them and sort, for
-- each page anew (beside a million that wait 340 ms a page instead of 2).
SELECT j.id, j.queue, j.priority, j.run_at
FROM tasq.job AS j
WHERE (j.status = 'queued' OR j.status = ANY ('{queued}'))
    AND (j.queue, j.priority, j.run_at, j.id) > ($1::text, $2::bigint, $3::timestamptz, $4::uuid)
    AND j.run_at <= now()
ORDER BY j.queue, j.priority, j.run_at, j.id
LIMIT (SELECT $5::bigint)
