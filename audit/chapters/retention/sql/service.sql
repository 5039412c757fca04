-- One row per client with orders in the prior period whose promise and shipment are both dated: orders, late ones.
SELECT client_key, CAST(count(*) AS BIGINT) AS dated_orders,
       CAST(sum(CASE WHEN promised_date_late > 0 THEN 1 ELSE 0 END) AS BIGINT) AS late_orders
FROM orders
WHERE is_order = 1 AND promised_date IS NOT NULL AND shipped_date IS NOT NULL
  AND day >= {{ lit(w.prior_start) }} AND day < {{ lit(w.recent_start) }}
GROUP BY client_key
ORDER BY client_key
