-- One row per client x responsible person of the recent period: days on which the person had an order of the client, and
-- the revenue of those orders. Only orders that came to something, on days that are purchases.
SELECT o.client_key, o.manager, CAST(count(DISTINCT o.day) AS BIGINT) AS days, {{ money('sum(o.revenue)') }} AS revenue,
       max(o.day) AS last_day
FROM orders o
JOIN client_day d ON o.client_key = d.client_key AND o.day = d.day
WHERE o.is_order = 1 AND d.purchase_no IS NOT NULL AND o.manager IS NOT NULL
  AND o.day >= {{ lit(since) }} AND o.day <= {{ lit(w.as_of) }}
GROUP BY o.client_key, o.manager
ORDER BY o.client_key, o.manager
