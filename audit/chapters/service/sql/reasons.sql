-- Complaints by the reason given, whole window.
SELECT complaint_reason AS reason, CAST(count(*) AS BIGINT) AS orders, {{ money('sum(gross)') }} AS revenue,
       CAST(sum(CASE WHEN day >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END) AS BIGINT) AS recent_orders
FROM orders
WHERE is_order = 1 AND complaint = 1 AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY complaint_reason
ORDER BY orders DESC, reason NULLS LAST
