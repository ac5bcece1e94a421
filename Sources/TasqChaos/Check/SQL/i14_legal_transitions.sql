-- I14: statuses change only as the life of a job allows, and one that has come to its end comes
-- back only where somebody retried it.
SELECT u.job::text AS subject, u.old_status || ' to ' || u.status AS detail
FROM change AS u
WHERE u.tbl = 'job' AND u.op = 'U' AND u.status <> u.old_status
    AND (u.old_status, u.status) NOT IN (
        ('scheduled', 'queued'), ('scheduled', 'cancelled'),
        ('queued', 'executing'), ('queued', 'cancelled'),
        ('executing', 'queued'), ('executing', 'scheduled'), ('executing', 'success'),
        ('executing', 'error'), ('executing', 'cancelled'))
    AND NOT (allowed('retries') AND u.old_status IN ('error', 'cancelled') AND u.status = 'queued')
UNION ALL
SELECT u.job::text, 'entered as ' || u.status
FROM change AS u
WHERE u.tbl = 'job' AND u.op = 'I' AND u.status NOT IN ('scheduled', 'queued')
