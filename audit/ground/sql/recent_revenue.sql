-- Revenue, order days and last order of every client in the recent period, largest first.
SELECT d.client_key, min(c.client_name) AS client_name, {{ double('sum(d.revenue)') }} AS revenue,
       CAST(count(d.purchase_no) AS BIGINT) AS order_days
FROM client_day d JOIN clients c ON d.client_key = c.client_key
WHERE d.day >= {{ lit(since) }} AND d.day <= {{ lit(w.as_of) }}
GROUP BY d.client_key
ORDER BY revenue DESC, d.client_key
