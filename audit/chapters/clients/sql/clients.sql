-- One row per client with turnover in the last 12 months or the 12 before: money, order days, documents and trouble.
-- returns: documents with a negative row.
WITH money AS (
  SELECT client_key,
         sum(CASE WHEN day >= {{ lit(since) }} THEN revenue ELSE 0 END) AS revenue,
         sum(CASE WHEN day < {{ lit(since) }} THEN revenue ELSE 0 END) AS prior_revenue,
         count(CASE WHEN day >= {{ lit(since) }} THEN purchase_no END) AS order_days,
         count(CASE WHEN day < {{ lit(since) }} THEN purchase_no END) AS prior_days
  FROM client_day
  WHERE day >= {{ lit(prior) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), papers AS (
  SELECT client_key, sum(is_order) AS orders,
         sum(CASE WHEN is_order = 1 THEN lines ELSE 0 END) AS order_lines,
         sum(CASE WHEN revenue < gross THEN 1 ELSE 0 END) AS returns,
         sum(complaint) AS claims
  FROM orders
  WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
)
SELECT m.client_key, c.client_name, c.segment, c.holding, c.first_day,
       {{ money('m.revenue') }} AS revenue, {{ money('m.prior_revenue') }} AS prior_revenue,
       CAST(m.order_days AS BIGINT) AS order_days, CAST(m.prior_days AS BIGINT) AS prior_days,
       CAST(coalesce(p.orders, 0) AS BIGINT) AS orders, CAST(coalesce(p.order_lines, 0) AS BIGINT) AS order_lines,
       CAST(coalesce(p.returns, 0) AS BIGINT) AS returns, CAST(coalesce(p.claims, 0) AS BIGINT) AS claims
FROM money m
JOIN clients c ON m.client_key = c.client_key
LEFT JOIN papers p ON m.client_key = p.client_key
ORDER BY m.client_key
