-- Goods sold and taken back, in money; one row per half of the window (recent 1 or 0).
SELECT CASE WHEN order_date >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS recent,
       {{ money('sum(CASE WHEN amount > 0 THEN amount ELSE 0 END)') }} AS sold,
       {{ money('sum(CASE WHEN amount < 0 THEN -amount ELSE 0 END)') }} AS returned,
       CAST(count(CASE WHEN amount < 0 THEN 1 END) AS BIGINT) AS return_lines
FROM lines
WHERE order_date >= {{ lit(w.start) }} AND order_date <= {{ lit(w.as_of) }}
GROUP BY CASE WHEN order_date >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END
ORDER BY recent
