-- What clients brought in the 365 days from their second order day on, that day included: one row per client and day.
SELECT c.client_key, CAST({{ days_between('c.second_day', 'd.day') }} AS BIGINT) AS age, {{ double('d.revenue') }} AS revenue
FROM client_day d JOIN clients c ON d.client_key = c.client_key
WHERE c.second_day <= {{ lit(w.as_of) }} AND d.day <= {{ lit(w.as_of) }}
  AND {{ days_between('c.second_day', 'd.day') }} BETWEEN 0 AND 364
ORDER BY c.client_key, d.day
