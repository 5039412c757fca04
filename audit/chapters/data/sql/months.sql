-- One row per calendar month: what the orders show at a glance.
SELECT month_index, {{ money('sum(revenue)') }} AS revenue, {{ money('sum(margin)') }} AS margin,
       CAST(sum(orders) AS BIGINT) AS orders,
       count(DISTINCT CASE WHEN purchase_no IS NOT NULL THEN client_key END) AS clients,
       CAST(sum(CASE WHEN purchase_no = 1 THEN 1 ELSE 0 END) AS BIGINT) AS first_purchases
FROM client_day
GROUP BY month_index
ORDER BY month_index
