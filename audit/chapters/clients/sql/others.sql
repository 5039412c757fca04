-- One row per day on which clients other than those of the giant orders bought: order days, those followed by a silence
-- (no further order day within silence_days, judged where that time has passed), shipped orders with a promised day and
-- those shipped after it, margin and the revenue it belongs to.
WITH big AS (
  SELECT client_key
  FROM client_day
  WHERE purchase_no IS NOT NULL AND revenue > {{ lit(limit) }} AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
  HAVING count(*) <= {{ lit(most_days) }}
), ours AS (
  SELECT d.client_key, d.day, lead(d.day) OVER (PARTITION BY d.client_key ORDER BY d.day) AS next_day
  FROM client_day d
  LEFT JOIN big b ON d.client_key = b.client_key
  WHERE b.client_key IS NULL AND d.purchase_no IS NOT NULL AND d.day <= {{ lit(w.as_of) }}
), visits AS (
  SELECT day, count(*) AS order_days,
         sum(CASE WHEN {{ days_between('day', lit(w.as_of)) }} >= {{ lit(silence_days) }} THEN 1 ELSE 0 END) AS followed,
         sum(CASE WHEN {{ days_between('day', lit(w.as_of)) }} >= {{ lit(silence_days) }}
                   AND (next_day IS NULL OR {{ days_between('day', 'next_day') }} > {{ lit(silence_days) }})
                  THEN 1 ELSE 0 END) AS silent
  FROM ours
  WHERE day >= {{ lit(w.start) }}
  GROUP BY day
), papers AS (
  SELECT o.day,
         sum(CASE WHEN o.promised_date IS NOT NULL AND o.shipped_date IS NOT NULL THEN 1 ELSE 0 END) AS shipped,
         sum(CASE WHEN o.promised_date_late > 0 THEN 1 ELSE 0 END) AS late,
         sum(CASE WHEN o.margin_lines = o.lines THEN o.margin END) AS margin,
         sum(CASE WHEN o.margin_lines = o.lines THEN o.revenue END) AS margin_revenue
  FROM orders o
  LEFT JOIN big b ON o.client_key = b.client_key
  WHERE b.client_key IS NULL AND o.is_order = 1 AND o.day >= {{ lit(w.start) }} AND o.day <= {{ lit(w.as_of) }}
  GROUP BY o.day
)
SELECT v.day, {{ month_index('v.day') }} AS month_index, CAST(v.order_days AS BIGINT) AS order_days,
       CAST(v.followed AS BIGINT) AS followed, CAST(v.silent AS BIGINT) AS silent,
       CAST(coalesce(p.shipped, 0) AS BIGINT) AS shipped, CAST(coalesce(p.late, 0) AS BIGINT) AS late,
       {{ money('p.margin') }} AS margin, {{ money('p.margin_revenue') }} AS margin_revenue
FROM visits v
LEFT JOIN papers p ON v.day = p.day
ORDER BY v.day
