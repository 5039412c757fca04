-- One row per giant order day: a client's day whose net revenue is above the limit, of clients that have at most
-- most_days of them (more often than that it is their usual order).
WITH huge AS (
  SELECT client_key, day, revenue, count(*) OVER (PARTITION BY client_key) AS times
  FROM client_day
  WHERE purchase_no IS NOT NULL AND revenue > {{ lit(limit) }} AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
)
SELECT client_key, day, revenue
FROM huge
WHERE times <= {{ lit(most_days) }}
ORDER BY day, client_key
