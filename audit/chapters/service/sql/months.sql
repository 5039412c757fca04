-- Orders and failures of each kind per month of the window.
SELECT {{ month_index('day') }} AS month_index, CAST(count(*) AS BIGINT) AS orders,
       CAST(count(CASE WHEN {{ promise }} IS NOT NULL AND shipped_date IS NOT NULL THEN 1 END) AS BIGINT) AS dated,
       CAST(count(CASE WHEN {{ promise }}_late > 0 THEN 1 END) AS BIGINT) AS late,
       CAST(count(CASE WHEN shipped_pct < 0.9995 AND (status IS NULL OR status NOT IN ('new', 'open')) THEN 1 END) AS BIGINT) AS short,
       CAST(coalesce(sum(complaint), 0) AS BIGINT) AS complaint, CAST(coalesce(sum(document_error), 0) AS BIGINT) AS document_error
FROM orders
WHERE is_order = 1 AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY {{ month_index('day') }}
ORDER BY month_index
