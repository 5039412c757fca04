-- Order days of the prior and the recent period with their revenue, for every step-th client that was there before the
-- recent period began (clients ordered by what they bought, so that renaming them changes nothing).
WITH known AS (
  SELECT client_key, row_number() OVER (ORDER BY first_day, last_day, order_days, revenue, client_key) AS unit
  FROM clients
  WHERE first_day < {{ lit(w.recent_start) }} AND last_day >= {{ lit(w.prior_start) }}
)
SELECT CAST(k.unit AS INTEGER) AS unit, {{ money('c.revenue') }} AS revenue
FROM client_day c JOIN known k ON c.client_key = k.client_key
WHERE c.purchase_no IS NOT NULL AND c.day >= {{ lit(w.prior_start) }} AND c.day <= {{ lit(w.as_of) }}
  AND k.unit % {{ lit(step) }} = 0
ORDER BY unit, c.day
