-- One row per client that bought in the recent period: who is named on its last order day that names anybody, that day, and
-- its last order day of all. Of several people of one day the one with most of its revenue.
WITH served AS (
  SELECT o.client_key, o.manager, o.day, sum(o.revenue) AS revenue
  FROM orders o
  JOIN client_day d ON o.client_key = d.client_key AND o.day = d.day
  WHERE o.is_order = 1 AND d.purchase_no IS NOT NULL AND o.manager IS NOT NULL
    AND o.day >= {{ lit(since) }} AND o.day <= {{ lit(w.as_of) }}
  GROUP BY o.client_key, o.manager, o.day
), ranked AS (
  SELECT client_key, manager, day,
         row_number() OVER (PARTITION BY client_key ORDER BY day DESC, revenue DESC, manager ASC) AS place
  FROM served
), bought AS (
  SELECT client_key, max(day) AS last_day
  FROM client_day
  WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }} AND purchase_no IS NOT NULL
  GROUP BY client_key
)
SELECT b.client_key, r.manager, r.day AS served_day, b.last_day
FROM bought b
LEFT JOIN ranked r ON b.client_key = r.client_key AND r.place = 1
ORDER BY b.client_key
