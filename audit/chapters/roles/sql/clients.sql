-- Clients with turnover in the recent period, their manager, and two signs of room to grow: an earlier year that was
-- better, and common categories that the client does not buy. best_year: the best earlier block of 365 days that lies
-- whole in the window; common: categories bought by a given share of the active clients.
WITH recent AS (
  SELECT client_key, sum(revenue) AS revenue, count(purchase_no) AS order_days
  FROM client_day WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), served AS (
  SELECT client_key, manager,
         row_number() OVER (PARTITION BY client_key ORDER BY count(*) DESC, manager ASC) AS place
  FROM client_day
  WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }} AND purchase_no IS NOT NULL AND manager IS NOT NULL
  GROUP BY client_key, manager
), blocks AS (
  SELECT client_key, CAST(floor({{ days_between('day', lit(w.as_of)) }} / 365.0) AS INTEGER) AS age, revenue
  FROM client_day WHERE day <= {{ lit(w.as_of) }}
), years AS (
  SELECT client_key, age, sum(revenue) AS revenue FROM blocks
  WHERE age >= 1 AND age < {{ lit(whole_years) }}
  GROUP BY client_key, age
), best AS (
  SELECT client_key, max(revenue) AS revenue FROM years GROUP BY client_key
), bought AS (
  SELECT DISTINCT client_key, sku_group FROM lines
  WHERE amount > 0 AND sku_group IS NOT NULL AND order_date >= {{ lit(since) }} AND order_date <= {{ lit(w.as_of) }}
), active AS (
  SELECT count(*) AS clients FROM recent WHERE order_days > 0
), common AS (
  SELECT sku_group, count(*) AS clients FROM bought GROUP BY sku_group
), usual AS (
  SELECT common.sku_group FROM common CROSS JOIN active
  WHERE common.clients >= {{ lit(common_share) }} * active.clients
), has AS (
  SELECT b.client_key, count(*) AS categories
  FROM bought b JOIN usual u ON b.sku_group = u.sku_group
  GROUP BY b.client_key
), wanted AS (
  SELECT count(*) AS categories FROM usual
)
SELECT r.client_key, s.manager, CAST(r.order_days AS BIGINT) AS order_days,
       {{ double('r.revenue') }} AS revenue, {{ double('b.revenue') }} AS best_year,
       CAST(wanted.categories - coalesce(h.categories, 0) AS BIGINT) AS missing_categories,
       CAST(wanted.categories AS BIGINT) AS common_categories
FROM recent r
CROSS JOIN wanted
LEFT JOIN served s ON r.client_key = s.client_key AND s.place = 1
LEFT JOIN best b ON r.client_key = b.client_key
LEFT JOIN has h ON r.client_key = h.client_key
WHERE r.order_days > 0
ORDER BY r.client_key
