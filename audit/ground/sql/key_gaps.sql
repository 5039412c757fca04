-- Every gap between purchases of the client x day table, by client.
SELECT client_key, CAST(gap_days AS BIGINT) AS gap_days
FROM client_day
WHERE gap_days IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
ORDER BY client_key, gap_days
