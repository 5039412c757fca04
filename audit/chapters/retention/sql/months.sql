-- One row per client x month with an order day, clients as whole numbers (unit): order days, documents, items, money.
WITH numbered AS (
  SELECT client_key, row_number() OVER (ORDER BY client_key) AS unit FROM clients
)
SELECT CAST(n.unit AS INTEGER) AS unit, c.month_index,
       CAST(count(*) AS INTEGER) AS order_days, CAST(sum(c.orders) AS INTEGER) AS orders,
       CAST(sum(c.items) AS INTEGER) AS items, CAST(sum(CASE WHEN c.items > 0 THEN 1 ELSE 0 END) AS INTEGER) AS item_days,
       {% if deflate %}{{ money('sum(' ~ money('c.revenue / nullif(c.price_index, 0)') ~ ')') }}{% else %}{{ money('sum(c.revenue)') }}{% endif %} AS bought_real
FROM client_day c JOIN numbered n ON c.client_key = n.client_key
WHERE c.purchase_no IS NOT NULL AND c.month_index >= {{ lit(first_month) }} AND c.month_index <= {{ lit(last_month) }}
GROUP BY n.unit, c.month_index
ORDER BY n.unit, c.month_index
