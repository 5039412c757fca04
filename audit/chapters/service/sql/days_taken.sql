-- How long orders take: days from order to shipment, and days beyond the promise of the late ones; one row.
SELECT CAST(count(CASE WHEN shipped_date >= order_date THEN 1 END) AS BIGINT) AS shipped,
       {{ quantile('CASE WHEN shipped_date >= order_date THEN ' ~ days_between('order_date', 'shipped_date') ~ ' END', 0.5) }} AS processing_median,
       {{ quantile('CASE WHEN shipped_date >= order_date THEN ' ~ days_between('order_date', 'shipped_date') ~ ' END', 0.9) }} AS processing_p90,
       {{ quantile('CASE WHEN ' ~ promise ~ '_late > 0 THEN ' ~ promise ~ '_late END', 0.5) }} AS late_median,
       {{ quantile('CASE WHEN ' ~ promise ~ '_late > 0 THEN ' ~ promise ~ '_late END', 0.9) }} AS late_p90
FROM orders
WHERE is_order = 1 AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
