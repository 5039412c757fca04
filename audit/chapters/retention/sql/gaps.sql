-- One row per client with at least one gap between order days: how many it has and their median.
SELECT client_key, CAST(count(*) AS BIGINT) AS gaps, {{ quantile('gap_days', 0.5) }} AS median_gap_days
FROM client_day
WHERE gap_days IS NOT NULL AND previous_day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY client_key
ORDER BY client_key
