-- Reads a run's folder, which stands for FOLDER here. A line that cannot be read is kept, for it
-- may have been evidence. `awk 1` ends each file with the end of a line.
CREATE TEMP TABLE line (line text);
\copy line FROM PROGRAM 'awk 1 FOLDER/*.jsonl' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
CREATE TEMP TABLE parsed AS
SELECT line, read_line(line) AS x FROM line WHERE line <> '';
INSERT INTO torn SELECT line FROM parsed WHERE x IS NULL;
INSERT INTO event
SELECT
    (x ->> 't')::bigint, x ->> 'p', (x ->> 'pid')::integer, x ->> 'e', x ->> 'tok',
    (x ->> 'job')::uuid, (x ->> 'claim')::uuid, (x ->> 'att')::integer, x ->> 'name', x ->> 'out',
    x ->> 'batch', (x ->> 'ms')::float8, x
FROM parsed
WHERE x IS NOT NULL;
\copy change FROM 'FOLDER/change.csv' WITH CSV
\copy job FROM 'FOLDER/job.csv' WITH CSV
\copy claim_left FROM 'FOLDER/claim_left.csv' WITH CSV
\copy attempt FROM 'FOLDER/attempt.csv' WITH CSV
\copy tick FROM 'FOLDER/tick.csv' WITH CSV
\copy old_job FROM PROGRAM 'cat FOLDER/old_job.csv 2>/dev/null || true' WITH CSV
\copy old_claim FROM PROGRAM 'cat FOLDER/old_claim.csv 2>/dev/null || true' WITH CSV
