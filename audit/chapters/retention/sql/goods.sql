-- What silent clients used to buy: per client (last order between quiet_since and quiet_before) the three goods or groups
-- with most revenue in the 365 days up to its last order.
WITH quiet AS (
  SELECT client_key, max(day) AS last_day
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
  HAVING max(day) <= {{ lit(quiet_before) }} AND max(day) >= {{ lit(quiet_since) }}
), goods AS (
  SELECT l.client_key, l.{{ goods }} AS goods, sum(l.amount) AS revenue
  FROM lines l JOIN quiet q ON l.client_key = q.client_key
  WHERE l.{{ goods }} IS NOT NULL AND {{ days_between('l.order_date', 'q.last_day') }} BETWEEN 0 AND 364
  GROUP BY l.client_key, l.{{ goods }}
), placed AS (
  SELECT client_key, goods, revenue,
         row_number() OVER (PARTITION BY client_key ORDER BY revenue DESC, goods ASC) AS place
  FROM goods WHERE revenue > 0
)
SELECT client_key, goods, {{ money('revenue') }} AS revenue, CAST(place AS INTEGER) AS place
FROM placed WHERE place <= 3
ORDER BY client_key, place
