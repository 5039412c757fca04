-- Who typed the orders: one row per author x responsible manager x part of the business, for the recent period and for
-- the rest of the window. Documents that came to nothing are not orders. lines: rows of the document.
SELECT created_by, manager, segment,
       CASE WHEN day >= {{ lit(since) }} THEN 1 ELSE 0 END AS recent,
       CAST(count(*) AS BIGINT) AS orders, CAST(sum(lines) AS BIGINT) AS lines
FROM orders
WHERE is_order = 1 AND day <= {{ lit(w.as_of) }}
GROUP BY created_by, manager, segment, CASE WHEN day >= {{ lit(since) }} THEN 1 ELSE 0 END
ORDER BY created_by, manager, segment, recent
