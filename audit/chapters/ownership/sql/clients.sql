-- One row per client that bought in the recent period: order days, revenue, and revenue outside the first order day of a
-- new client (first order in the part of the window where new clients can be told from old ones).
SELECT d.client_key, c.client_name, c.segment, CAST(count(d.purchase_no) AS BIGINT) AS order_days,
       {{ money('sum(d.revenue)') }} AS revenue,
       {{ money("sum(CASE WHEN d.purchase_no = 1 AND d.day >= " ~ lit(w.new_from)
                ~ " AND coalesce(c.client_since, d.day) >= " ~ lit(w.start) ~ " THEN 0 ELSE d.revenue END)") }} AS repeat_revenue
FROM client_day d
JOIN clients c ON d.client_key = c.client_key
WHERE d.day >= {{ lit(since) }} AND d.day <= {{ lit(w.as_of) }}
GROUP BY d.client_key, c.client_name, c.segment
HAVING count(d.purchase_no) > 0
ORDER BY d.client_key
