-- Size of an order in the recent period: median and the range in which eight of ten orders lie. One row.
SELECT CAST(count(*) AS BIGINT) AS orders,
       {{ quantile('CAST(revenue AS DOUBLE)', 0.5) }} AS median,
       {{ quantile('CAST(revenue AS DOUBLE)', 0.1) }} AS p10,
       {{ quantile('CAST(revenue AS DOUBLE)', 0.9) }} AS p90
FROM orders
WHERE is_order = 1 AND revenue > 0 AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
