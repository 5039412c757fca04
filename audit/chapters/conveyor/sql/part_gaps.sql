-- The median gap of every regular client of the recent period, as for the type of sale as a whole.
WITH recent AS (
  SELECT client_key, count(purchase_no) AS order_days
  FROM client_day WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.recent_start) }}
  GROUP BY client_key
)
SELECT c.client_key, {{ quantile('c.gap_days', 0.5) }} AS gap
FROM client_day c JOIN recent r ON c.client_key = r.client_key
WHERE r.order_days >= 2 AND c.gap_days IS NOT NULL AND c.previous_day >= {{ lit(w.recent_start) }}
GROUP BY c.client_key
ORDER BY c.client_key
