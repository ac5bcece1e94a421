-- I15: a failed attempt is tried again after its pause, within the jitter: 200 ms, doubling up to a
-- second, a fifth either way, from the now() of the settlement.
SELECT c.claim::text AS subject,
    'attempt ' || c.attempt || ' put off by ' || c.next_run_at - c.began1 AS detail
FROM claim AS c
JOIN LATERAL (
    SELECT least(200 * 2 ^ (c.attempt - 1), 1000) * interval '1 millisecond' AS pause
) AS wanted ON TRUE
WHERE c.ending = 'settled' AND c.next_status = 'scheduled' AND allowed('clock_is_true')
    AND c.next_run_at - c.began1 NOT BETWEEN
        wanted.pause * 0.8 - interval '1 millisecond'
        AND wanted.pause * 1.2 + interval '5 milliseconds'
