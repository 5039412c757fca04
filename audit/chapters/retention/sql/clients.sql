-- One row per client with at least one day of turnover up to as_of: what it bought in the window, in the recent and in
-- the prior period, and in the part of the recent period in which new clients can be told from old ones (judged_from);
-- in the 365 days up to its last order (last_year_revenue) and from its second one (second_year_revenue).
WITH days AS (
  SELECT client_key, day, month_index % 12 AS calendar_month, revenue, margin, orders, items, manager, purchase_no,
         CASE WHEN margin_lines = lines THEN 1 ELSE 0 END AS margin_known,
         CASE WHEN day >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS recent,
         CASE WHEN day >= {{ lit(w.prior_start) }} AND day < {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS prior,
         CASE WHEN day >= {{ lit(judged_from) }} THEN 1 ELSE 0 END AS judged
  FROM client_day
  WHERE day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), sums AS (
  SELECT client_key,
         min(CASE WHEN purchase_no IS NOT NULL THEN day END) AS first_seen_day,
         max(CASE WHEN purchase_no IS NOT NULL THEN day END) AS last_day,
         count(DISTINCT CASE WHEN purchase_no IS NOT NULL THEN calendar_month END) AS calendar_months,
         count(purchase_no) AS order_days, sum(orders) AS orders, sum(revenue) AS revenue,
         sum(CASE WHEN purchase_no = 1 THEN revenue ELSE 0 END) AS first_revenue,
         sum(CASE WHEN recent = 1 THEN revenue ELSE 0 END) AS recent_revenue,
         sum(CASE WHEN prior = 1 THEN revenue ELSE 0 END) AS prior_revenue,
         sum(CASE WHEN recent = 1 AND purchase_no IS NOT NULL THEN revenue ELSE 0 END) AS recent_bought,
         sum(CASE WHEN prior = 1 AND purchase_no IS NOT NULL THEN revenue ELSE 0 END) AS prior_bought,
         count(CASE WHEN recent = 1 THEN purchase_no END) AS recent_days,
         count(CASE WHEN prior = 1 THEN purchase_no END) AS prior_days,
         sum(CASE WHEN recent = 1 AND purchase_no IS NOT NULL THEN items ELSE 0 END) AS recent_items,
         sum(CASE WHEN prior = 1 AND purchase_no IS NOT NULL THEN items ELSE 0 END) AS prior_items,
         sum(CASE WHEN judged = 1 THEN revenue ELSE 0 END) AS judged_revenue,
         sum(CASE WHEN judged = 1 AND margin_known = 1 THEN margin ELSE 0 END) AS judged_margin,
         sum(CASE WHEN judged = 1 THEN orders ELSE 0 END) AS judged_orders,
         sum(CASE WHEN judged = 1 AND purchase_no = 1 THEN revenue ELSE 0 END) AS judged_first_revenue,
         sum(CASE WHEN judged = 1 AND purchase_no = 1 AND margin_known = 1 THEN margin ELSE 0 END)
           AS judged_first_margin,
         sum(CASE WHEN judged = 1 AND purchase_no = 1 THEN orders ELSE 0 END) AS judged_first_orders,
         min(CASE WHEN purchase_no = 1 THEN manager END) AS first_manager
  FROM days
  GROUP BY client_key
), years AS (
  SELECT d.client_key,
         sum(CASE WHEN {{ days_between('d.day', 's.last_day') }} BETWEEN 0 AND 364 THEN d.revenue ELSE 0 END)
           AS last_year_revenue,
         sum(CASE WHEN {{ days_between('k.second_day', 'd.day') }} BETWEEN 0 AND 364 THEN d.revenue ELSE 0 END)
           AS second_year_revenue,
         min(CASE WHEN d.purchase_no IS NOT NULL AND d.day > s.first_seen_day THEN d.day END) AS second_seen_day
  FROM days d
  JOIN sums s ON d.client_key = s.client_key
  JOIN clients k ON d.client_key = k.client_key
  GROUP BY d.client_key
)
SELECT s.client_key, k.client_name, k.segment, k.client_since,
       k.first_day,
       CASE WHEN k.second_day <= {{ lit(w.as_of) }} THEN k.second_day END AS second_day,
       CASE WHEN k.third_day <= {{ lit(w.as_of) }} THEN k.third_day END AS third_day,
       s.first_seen_day, y.second_seen_day, s.last_day,
       CAST(s.calendar_months AS BIGINT) AS calendar_months, CAST(s.order_days AS BIGINT) AS order_days, CAST(s.orders AS BIGINT) AS orders,
       {{ money('s.revenue') }} AS revenue,
       {{ money('s.first_revenue') }} AS first_revenue,
       {{ money('s.recent_revenue') }} AS recent_revenue, {{ money('s.prior_revenue') }} AS prior_revenue,
       {{ money('s.recent_bought') }} AS recent_bought, {{ money('s.prior_bought') }} AS prior_bought,
       CAST(s.recent_days AS BIGINT) AS recent_days, CAST(s.prior_days AS BIGINT) AS prior_days,
       CAST(s.recent_items AS BIGINT) AS recent_items, CAST(s.prior_items AS BIGINT) AS prior_items,
       {{ money('s.judged_revenue') }} AS judged_revenue, {{ money('s.judged_margin') }} AS judged_margin,
       CAST(s.judged_orders AS BIGINT) AS judged_orders,
       {{ money('s.judged_first_revenue') }} AS judged_first_revenue,
       {{ money('s.judged_first_margin') }} AS judged_first_margin,
       CAST(s.judged_first_orders AS BIGINT) AS judged_first_orders,
       {{ money('y.last_year_revenue') }} AS last_year_revenue,
       {{ money('y.second_year_revenue') }} AS second_year_revenue,
       s.first_manager, l.manager AS last_manager
FROM sums s
JOIN clients k ON s.client_key = k.client_key
JOIN years y ON s.client_key = y.client_key
LEFT JOIN days l ON s.client_key = l.client_key AND s.last_day = l.day
ORDER BY s.client_key
