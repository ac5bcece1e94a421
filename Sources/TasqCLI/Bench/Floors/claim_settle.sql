-- The floor of a drain: pgbench claims a batch and settles it as successes, with the worker's own
-- statements, put in by FloorScript.swift, and no handler. The aggregate brings the whole batch, bodies
-- included, to the client in one row, because \gset takes no more.
--
--   :worker  a registered worker's id   :batch  jobs of one claim
@swept
SELECT
    coalesce(array_agg(c.id), '{}') AS jobs,
    coalesce(array_agg(c.claim), '{}') AS claims,
    coalesce(string_agg(convert_from(c.body, 'UTF8'), ''), '') AS bodies
FROM (
    @sweep_answer
) AS c
WHERE c.claim IS NOT NULL
\gset
@settle;
