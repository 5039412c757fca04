-- What went wrong with orders, one row per client x half of the window (recent 1 or 0) that has orders. An order is late if
-- one of its lines was shipped after its promised day, short if less than all of it was shipped; both only where the fact is
-- known. A document without money because nothing of it was shipped is short, too, and nothing else.
WITH facts AS (
  SELECT client_key, CASE WHEN day >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS recent, gross, is_order,
         CASE WHEN is_order = 1 AND {{ promise }} IS NOT NULL AND shipped_date IS NOT NULL
              THEN CASE WHEN {{ promise }}_late > 0 THEN 1 ELSE 0 END END AS late,
         CASE WHEN is_order = 1 AND {{ promise }}_late > 0 THEN {{ promise }}_late END AS late_days,
         CASE WHEN is_order = 1 AND shipped_date IS NULL AND {{ promise }} < {{ lit(w.as_of) }} THEN 1 ELSE 0 END AS overdue,
         CASE WHEN shipped_pct IS NOT NULL AND (status IS NULL OR status NOT IN ('new', 'open'))
              THEN CASE WHEN shipped_pct < 0.9995 THEN 1 ELSE 0 END END AS short,
         CASE WHEN is_order = 1 THEN complaint END AS complaint,
         CASE WHEN is_order = 1 THEN document_error END AS document_error
  FROM orders
  WHERE (is_order = 1 OR (gross = 0 AND revenue = 0 AND shipped_pct < 0.0005)) AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
)
SELECT client_key, recent, CAST(sum(is_order) AS BIGINT) AS orders, {{ money('sum(gross)') }} AS revenue,
       CAST(count(late) AS BIGINT) AS late_known, CAST(coalesce(sum(late), 0) AS BIGINT) AS late,
       {{ money('sum(CASE WHEN late IS NOT NULL THEN gross ELSE 0 END)') }} AS late_known_revenue,
       {{ money('sum(CASE WHEN late = 1 THEN gross ELSE 0 END)') }} AS late_revenue,
       CAST(coalesce(sum(late_days), 0) AS BIGINT) AS late_days, CAST(sum(overdue) AS BIGINT) AS overdue,
       CAST(count(short) AS BIGINT) AS short_known, CAST(coalesce(sum(short), 0) AS BIGINT) AS short,
       {{ money('sum(CASE WHEN short IS NOT NULL THEN gross ELSE 0 END)') }} AS short_known_revenue,
       {{ money('sum(CASE WHEN short = 1 THEN gross ELSE 0 END)') }} AS short_revenue,
       CAST(count(complaint) AS BIGINT) AS complaint_known, CAST(coalesce(sum(complaint), 0) AS BIGINT) AS complaint,
       {{ money('sum(CASE WHEN complaint IS NOT NULL THEN gross ELSE 0 END)') }} AS complaint_known_revenue,
       {{ money('sum(CASE WHEN complaint = 1 THEN gross ELSE 0 END)') }} AS complaint_revenue,
       CAST(count(document_error) AS BIGINT) AS document_error_known,
       CAST(coalesce(sum(document_error), 0) AS BIGINT) AS document_error,
       {{ money('sum(CASE WHEN document_error IS NOT NULL THEN gross ELSE 0 END)') }} AS document_error_known_revenue,
       {{ money('sum(CASE WHEN document_error = 1 THEN gross ELSE 0 END)') }} AS document_error_revenue
FROM facts
GROUP BY client_key, recent
ORDER BY client_key, recent
