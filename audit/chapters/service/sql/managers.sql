-- Orders, those with a known promise and shipment, late ones and those with any failure, per manager x month, recent period.
SELECT manager, {{ month_index('day') }} AS month_index, CAST(count(*) AS BIGINT) AS orders,
       CAST(count(CASE WHEN {{ promise }} IS NOT NULL AND shipped_date IS NOT NULL THEN 1 END) AS BIGINT) AS dated,
       CAST(count(CASE WHEN {{ promise }}_late > 0 THEN 1 END) AS BIGINT) AS late,
       CAST(count(CASE WHEN {{ promise }}_late > 0 OR complaint = 1 OR document_error = 1
             OR (shipped_pct < 0.9995 AND (status IS NULL OR status NOT IN ('new', 'open'))) THEN 1 END) AS BIGINT) AS failed
FROM orders
WHERE is_order = 1 AND manager IS NOT NULL AND day >= {{ lit(w.recent_start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY manager, {{ month_index('day') }}
ORDER BY manager, month_index
