-- The second half of every deletion: of the jobs in `locked` (id, payload_id, status, and xmin as version)
-- those that do not run go, with their attempts and bodies. `held` are those that could be judged, `gone`
-- those that went.
--
-- A row written since the statement began is left out, because its unique key might not be seen (see
-- cancel.sql). A body goes with the last job that uses it, and with a webhook's body the memory of its
-- event: a redelivery of that event is a new one.
--
-- An event's body is locked after the job rows, and a job whose event somebody has locked, or has
-- replayed since the statement began, is left out too: the new jobs that replay.sql made could not be
-- seen, and would be left without a body. Nothing is waited for, so no order of locking can
-- deadlock. Two that delete the last two jobs of one event at nearly the same moment may each see the
-- other's job and leave the body. ANY as in settle.sql, and
-- OFFSET 0 so that bodies are looked at one by one: a join would read all that jobs share.
steady AS MATERIALIZED (
    SELECT l.id, l.payload_id, l.status
    FROM locked AS l
    JOIN tasq.job AS seen ON seen.id = ANY (ARRAY[l.id])
    WHERE seen.xmin = l.version
),
events AS MATERIALIZED (
    SELECT p.id, p.xmin AS version
    FROM tasq.payload AS p
    WHERE p.id = ANY (ARRAY(
        SELECT s.payload_id FROM steady AS s WHERE s.payload_id <> s.id AND s.status <> 'executing'))
    ORDER BY p.id
    FOR UPDATE OF p SKIP LOCKED
),
quiet AS MATERIALIZED (
    SELECT e.id
    FROM events AS e
    JOIN tasq.payload AS seen ON seen.id = ANY (ARRAY[e.id])
    WHERE seen.xmin = e.version
),
held AS MATERIALIZED (
    SELECT s.id, s.status
    FROM steady AS s
    WHERE s.payload_id = s.id
        OR s.status = 'executing'
        OR s.payload_id IN (SELECT q.id FROM quiet AS q)
        OR NOT EXISTS (SELECT FROM tasq.payload AS p WHERE p.id = ANY (ARRAY[s.payload_id]) OFFSET 0)
),
gone AS (
    DELETE FROM tasq.job AS j
    USING held AS h
    WHERE j.id = ANY (ARRAY[h.id]) AND h.status <> 'executing'
    RETURNING j.id, j.payload_id, j.unique_key
),
unrecorded AS (
    DELETE FROM tasq.attempt AS a
    USING gone AS g
    WHERE a.job_id = ANY (ARRAY[g.id])
),
freed AS (
    DELETE FROM tasq.unique_key AS k
    USING gone AS g
    WHERE k.key = ANY (ARRAY[g.unique_key]) AND k.job_id = g.id
),
bodies AS (
    DELETE FROM tasq.payload AS p
    WHERE p.id = ANY (ARRAY(SELECT g.payload_id FROM gone AS g))
        AND NOT EXISTS (
            SELECT FROM tasq.job AS j
            WHERE j.payload_id = p.id AND j.payload_id <> j.id
                AND j.id NOT IN (SELECT g.id FROM gone AS g)
            OFFSET 0
        )
        AND NOT EXISTS (
            SELECT FROM tasq.job AS j
            WHERE j.id = p.id AND j.payload_id = p.id
                AND j.id NOT IN (SELECT g.id FROM gone AS g)
            OFFSET 0
        )
)
