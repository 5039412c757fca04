-- One row per client with positive revenue in the recent period: revenue and order days of it.
SELECT d.client_key, min(c.segment) AS segment, {{ money('sum(d.revenue)') }} AS revenue,
       CAST(count(d.purchase_no) AS BIGINT) AS order_days
FROM client_day d JOIN clients c ON d.client_key = c.client_key
WHERE d.day >= {{ lit(since) }} AND d.day <= {{ lit(w.as_of) }}
GROUP BY d.client_key
HAVING sum(d.revenue) > 0
ORDER BY d.client_key
