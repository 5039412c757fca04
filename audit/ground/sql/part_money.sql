-- What each client bought by segment and item group: over the window, in the recent period, on the first order day.
SELECT l.client_key, l.segment, l.sku_group,
       {{ double('sum(l.amount)') }} AS revenue,
       {{ double('sum(CASE WHEN l.order_date >= ' ~ lit(since) ~ ' THEN l.amount ELSE 0 END)') }} AS recent,
       {{ double('sum(CASE WHEN l.order_date = c.first_day THEN l.amount ELSE 0 END)') }} AS first
FROM lines l JOIN clients c ON l.client_key = c.client_key
WHERE l.order_date >= {{ lit(w.start) }} AND l.order_date <= {{ lit(w.as_of) }}
GROUP BY l.client_key, l.segment, l.sku_group
ORDER BY l.client_key, l.segment, l.sku_group
