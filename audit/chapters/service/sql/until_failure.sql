-- Purchases of every step-th client up to and including the first one on which something went wrong, with the day of the
-- next purchase. Clients are ordered by what they bought, so that renaming them changes nothing.
WITH chosen AS (
  SELECT client_key FROM (
    SELECT client_key, row_number() OVER (ORDER BY first_day, last_day, order_days, revenue, client_key) AS unit
    FROM clients WHERE order_days >= 1
  ) u
  WHERE unit % {{ lit(step) }} = 0
), wrong AS (
  SELECT o.client_key, o.day,
         max(CASE WHEN o.{{ promise }}_late > 0 THEN 1 ELSE 0 END) AS late,
         max(CASE WHEN o.shipped_pct < 0.9995 AND (o.status IS NULL OR o.status NOT IN ('new', 'open')) THEN 1 ELSE 0 END) AS short,
         max(CASE WHEN o.complaint = 1 THEN 1 ELSE 0 END) AS complaint,
         max(CASE WHEN o.document_error = 1 THEN 1 ELSE 0 END) AS document_error
  FROM orders o JOIN chosen c ON o.client_key = c.client_key
  WHERE o.is_order = 1
  GROUP BY o.client_key, o.day
), bought AS (
  SELECT d.client_key, d.day, d.month_index, d.revenue,
         coalesce(f.late, 0) AS late, coalesce(f.short, 0) AS short, coalesce(f.complaint, 0) AS complaint,
         coalesce(f.document_error, 0) AS document_error,
         CASE WHEN f.late = 1 OR f.short = 1 OR f.complaint = 1 OR f.document_error = 1 THEN 1 ELSE 0 END AS failed
  FROM client_day d
  JOIN chosen c ON d.client_key = c.client_key
  LEFT JOIN wrong f ON d.client_key = f.client_key AND d.day = f.day
  WHERE d.purchase_no IS NOT NULL AND d.day >= {{ lit(w.start) }} AND d.day <= {{ lit(w.as_of) }}
), numbered AS (
  SELECT client_key, day, month_index, revenue, late, short, complaint, document_error, failed,
         row_number() OVER (PARTITION BY client_key ORDER BY day) AS purchase_no,
         lead(day) OVER (PARTITION BY client_key ORDER BY day) AS next_day,
         sum(failed) OVER (PARTITION BY client_key ORDER BY day ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS failures
  FROM bought
)
SELECT client_key, day, month_index, {{ money('revenue') }} AS revenue, CAST(purchase_no AS INTEGER) AS purchase_no, next_day,
       CAST(failed AS INTEGER) AS failed, CAST(late AS INTEGER) AS late, CAST(short AS INTEGER) AS short,
       CAST(complaint AS INTEGER) AS complaint, CAST(document_error AS INTEGER) AS document_error
FROM numbered
WHERE failures - failed = 0
ORDER BY client_key, day
