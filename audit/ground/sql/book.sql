-- One row per client that bought in the window: last order day, order days, median gap of its own (null with one order),
-- and the person of most of its order days in the 365 days up to its last one.
WITH bought AS (
  SELECT client_key, day, revenue, manager, gap_days
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), last AS (
  SELECT client_key, max(day) AS last_day, count(*) AS order_days, {{ quantile('gap_days', 0.5) }} AS median_gap
  FROM bought
  GROUP BY client_key
), served AS (
  SELECT b.client_key, b.manager,
         row_number() OVER (PARTITION BY b.client_key ORDER BY count(*) DESC, sum(b.revenue) DESC, b.manager ASC) AS place
  FROM bought b
  JOIN last l ON b.client_key = l.client_key
  WHERE b.manager IS NOT NULL AND {{ days_between('b.day', 'l.last_day') }} <= 365
  GROUP BY b.client_key, b.manager
)
SELECT l.client_key, s.manager, l.last_day, {{ days_between('l.last_day', lit(w.as_of)) }} AS silent_days,
       CAST(l.order_days AS BIGINT) AS order_days, l.median_gap
FROM last l
LEFT JOIN served s ON l.client_key = s.client_key AND s.place = 1
ORDER BY l.client_key
