-- Clients that ordered in the recent period. One row per client.
SELECT client_key
FROM orders
WHERE is_order = 1 AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
GROUP BY client_key
ORDER BY client_key
