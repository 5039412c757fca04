-- One row per client with a responsible person in the whole window: days with one, and how many different ones.
SELECT o.client_key, CAST(count(DISTINCT o.day) AS BIGINT) AS days, CAST(count(DISTINCT o.manager) AS BIGINT) AS managers
FROM orders o
WHERE o.is_order = 1 AND o.manager IS NOT NULL AND o.day >= {{ lit(w.start) }} AND o.day <= {{ lit(w.as_of) }}
GROUP BY o.client_key
ORDER BY o.client_key
