-- One row per client x category bought in the recent period, for the largest regular clients (at least 2 order days):
-- revenue of positive rows and the number of days on which the category was bought.
WITH regular AS (
  SELECT client_key, sum(revenue) AS revenue, count(purchase_no) AS order_days
  FROM client_day
  WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), placed AS (
  SELECT client_key, row_number() OVER (ORDER BY revenue DESC, client_key ASC) AS place
  FROM regular WHERE order_days >= 2 AND revenue > 0
)
SELECT l.client_key, l.sku_group AS category, {{ money('sum(l.amount)') }} AS revenue,
       CAST(count(DISTINCT l.order_date) AS BIGINT) AS days
FROM lines l
JOIN placed p ON l.client_key = p.client_key
WHERE p.place <= {{ lit(max_clients) }} AND l.amount > 0 AND l.sku_group IS NOT NULL
  AND l.order_date >= {{ lit(since) }} AND l.order_date <= {{ lit(w.as_of) }}
GROUP BY l.client_key, l.sku_group
ORDER BY l.client_key, l.sku_group
