-- One row per client with positive revenue in the prior period: revenue of both periods, revenue of the recent one in
-- categories it had never bought before in the window, and the manager of most of its order days in the two years.
WITH money AS (
  SELECT client_key,
         sum(CASE WHEN day < {{ lit(w.recent_start) }} THEN revenue ELSE 0 END) AS prior_revenue,
         sum(CASE WHEN day >= {{ lit(w.recent_start) }} THEN revenue ELSE 0 END) AS revenue
  FROM client_day
  WHERE day >= {{ lit(w.prior_start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), category AS (
  SELECT client_key, sku_group,
         max(CASE WHEN order_date < {{ lit(w.recent_start) }} AND amount > 0 THEN 1 ELSE 0 END) AS known,
         sum(CASE WHEN order_date >= {{ lit(w.recent_start) }} THEN amount ELSE 0 END) AS revenue
  FROM lines
  WHERE sku_group IS NOT NULL AND order_date <= {{ lit(w.as_of) }}
  GROUP BY client_key, sku_group
), fresh AS (
  SELECT client_key, sum(CASE WHEN known = 0 AND revenue > 0 THEN revenue ELSE 0 END) AS new_category_revenue
  FROM category
  GROUP BY client_key
), served AS (
  SELECT client_key, manager,
         row_number() OVER (PARTITION BY client_key ORDER BY count(*) DESC, sum(revenue) DESC, manager ASC) AS place
  FROM client_day
  WHERE purchase_no IS NOT NULL AND manager IS NOT NULL
    AND day >= {{ lit(w.prior_start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key, manager
)
SELECT m.client_key, c.segment, s.manager, {{ money('m.prior_revenue') }} AS prior_revenue,
       {{ money('m.revenue') }} AS revenue, {{ money('coalesce(f.new_category_revenue, 0)') }} AS new_category_revenue
FROM money m
JOIN clients c ON m.client_key = c.client_key
LEFT JOIN fresh f ON m.client_key = f.client_key
LEFT JOIN served s ON m.client_key = s.client_key AND s.place = 1
WHERE m.prior_revenue > 0
ORDER BY m.client_key
