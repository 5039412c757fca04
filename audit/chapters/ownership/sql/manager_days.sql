-- One row per responsible person: first and last day with an order and the number of order days, whole window.
SELECT manager, min(day) AS first_day, max(day) AS last_day, CAST(count(*) AS BIGINT) AS order_days
FROM client_day
WHERE purchase_no IS NOT NULL AND manager IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY manager
ORDER BY manager
