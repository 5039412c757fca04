-- One row per client x day with any netted turnover. A day with positive net revenue is a purchase (order day) and
-- carries its number, the day before it and the gap; other days carry revenue only.
WITH per_day AS (
  SELECT client_key, day,
         sum(revenue) AS revenue, sum(margin) AS margin, sum(margin_lines) AS margin_lines,
         sum(is_order) AS orders, sum(lines) AS lines, min(price_index) AS price_index
  FROM orders
  GROUP BY client_key, day
), seller AS (
  SELECT client_key, day, manager,
         row_number() OVER (PARTITION BY client_key, day ORDER BY sum(gross) DESC, manager ASC) AS place
  FROM orders WHERE manager IS NOT NULL AND gross > 0
  GROUP BY client_key, day, manager
), item AS (
  SELECT client_key, day, count(sku) AS items
  FROM (SELECT DISTINCT client_key, order_date AS day, sku FROM lines WHERE amount > 0) named
  GROUP BY client_key, day
), bought AS (
  SELECT client_key, day,
         row_number() OVER (PARTITION BY client_key ORDER BY day) AS purchase_no,
         lag(day) OVER (PARTITION BY client_key ORDER BY day) AS previous_day
  FROM per_day WHERE revenue > 0
)
SELECT p.client_key, p.day, {{ month_index('p.day') }} AS month_index,
       {{ money('p.revenue') }} AS revenue, {{ money('p.margin') }} AS margin,
       CAST(p.margin_lines AS BIGINT) AS margin_lines,
       CAST(p.orders AS BIGINT) AS orders, CAST(p.lines AS BIGINT) AS lines,
       CAST(coalesce(i.items, 0) AS BIGINT) AS items, p.price_index, s.manager,
       CAST(b.purchase_no AS INTEGER) AS purchase_no, b.previous_day,
       {{ days_between('b.previous_day', 'p.day') }} AS gap_days
FROM per_day p
LEFT JOIN bought b ON p.client_key = b.client_key AND p.day = b.day
LEFT JOIN seller s ON p.client_key = s.client_key AND p.day = s.day AND s.place = 1
LEFT JOIN item i ON p.client_key = i.client_key AND p.day = i.day
