-- One row per client with at least one used line. order_days = 0: only returns, or everything cancelled.
WITH days AS (
  SELECT client_key,
         min(CASE WHEN purchase_no = 1 THEN day END) AS first_day,
         min(CASE WHEN purchase_no = 2 THEN day END) AS second_day,
         min(CASE WHEN purchase_no = 3 THEN day END) AS third_day,
         max(CASE WHEN purchase_no IS NOT NULL THEN day END) AS last_day,
         count(purchase_no) AS order_days,
         sum(revenue) AS revenue, sum(margin) AS margin, sum(orders) AS orders
  FROM client_day
  GROUP BY client_key
), about AS (
  SELECT client_key, min(client_name) AS client_name, min(segment) AS segment, min(region) AS region,
         min(holding) AS holding, min(client_since) AS client_since
  FROM lines
  GROUP BY client_key
)
SELECT d.client_key, a.client_name, a.segment, a.region, a.holding, a.client_since,
       d.first_day, d.second_day, d.third_day, d.last_day,
       CAST(d.order_days AS BIGINT) AS order_days, CAST(d.orders AS BIGINT) AS orders,
       {{ money('d.revenue') }} AS revenue, {{ money('d.margin') }} AS margin
FROM days d JOIN about a ON d.client_key = a.client_key
