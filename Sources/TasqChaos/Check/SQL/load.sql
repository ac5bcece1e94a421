-- Reads a run's folder, which stands for FOLDER here.
CREATE TEMP TABLE line (line text);
\copy line FROM PROGRAM 'cat FOLDER/*.jsonl' WITH (FORMAT csv, DELIMITER E'\x01', QUOTE E'\x02')
INSERT INTO event
SELECT
    (x ->> 't')::bigint, x ->> 'p', (x ->> 'pid')::integer, x ->> 'e', x ->> 'tok',
    (x ->> 'job')::uuid, (x ->> 'claim')::uuid, (x ->> 'att')::integer, x ->> 'name', x ->> 'out',
    x ->> 'batch', (x ->> 'ms')::float8, x
FROM line, LATERAL (SELECT line::jsonb AS x) AS parsed
WHERE line LIKE '{%}';
\copy change FROM 'FOLDER/change.csv' WITH CSV
\copy job FROM 'FOLDER/job.csv' WITH CSV
\copy claim_left FROM 'FOLDER/claim_left.csv' WITH CSV
\copy attempt FROM 'FOLDER/attempt.csv' WITH CSV
