-- One row per client x day with any netted turnover. A day with positive net revenue is a purchase (order day) and
-- carries its number, the day before it and the gap; other days carry revenue only.
WITH per_day AS (
  SELECT client_key, day,
         sum(revenue) AS revenue, sum(margin) AS margin, sum(margin_lines) AS margin_lines,
         sum(is_order) AS orders, sum(lines) AS lines, min(price_index) AS price_index,
         min(CASE WHEN gross > 0 THEN manager END) AS manager,
         max(CASE WHEN gross > 0 THEN manager END) AS another
  FROM orders
  GROUP BY client_key, day
), seller AS (
  -- only days with several sellers: the one with most of the day's sales
  SELECT o.client_key, o.day, o.manager,
         row_number() OVER (PARTITION BY o.client_key, o.day ORDER BY sum(o.gross) DESC, o.manager ASC) AS place
  FROM orders o JOIN per_day p ON o.client_key = p.client_key AND o.day = p.day AND p.manager <> p.another
  WHERE o.manager IS NOT NULL AND o.gross > 0
  GROUP BY o.client_key, o.day, o.manager
), item AS (
  SELECT client_key, day, count(sku) AS items
  FROM (SELECT DISTINCT client_key, order_date AS day, sku FROM lines WHERE amount > 0) named
  GROUP BY client_key, day
), numbered AS (
  SELECT p.*,
         sum(CASE WHEN revenue > 0 THEN 1 ELSE 0 END)
           OVER (PARTITION BY client_key ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS purchases,
         max(CASE WHEN revenue > 0 THEN day END)
           OVER (PARTITION BY client_key ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS bought_before
  FROM per_day p
), purchase AS (
  SELECT n.*,
         CASE WHEN revenue > 0 THEN purchases END AS purchase_no,
         CASE WHEN revenue > 0 THEN bought_before END AS previous_day
  FROM numbered n
)
SELECT p.client_key, p.day, {{ month_index('p.day') }} AS month_index,
       {{ money('p.revenue') }} AS revenue, {{ money('p.margin') }} AS margin,
       CAST(p.margin_lines AS BIGINT) AS margin_lines,
       CAST(p.orders AS BIGINT) AS orders, CAST(p.lines AS BIGINT) AS lines,
       CAST(coalesce(i.items, 0) AS BIGINT) AS items, p.price_index, coalesce(s.manager, p.manager) AS manager,
       CAST(p.purchase_no AS INTEGER) AS purchase_no, p.previous_day,
       {{ days_between('p.previous_day', 'p.day') }} AS gap_days
FROM purchase p
LEFT JOIN seller s ON p.client_key = s.client_key AND p.day = s.day AND s.place = 1
LEFT JOIN item i ON p.client_key = i.client_key AND p.day = i.day
