-- Order days and their revenue per client x quarter back from as_of (0 the latest) x half (odd and even purchases).
WITH bought AS (
  SELECT client_key, revenue, purchase_no % 2 AS half, {{ lit(last_month) }} - month_index AS age
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
)
SELECT client_key, CAST((age - age % 3) / 3 AS INTEGER) AS quarter, CAST(half AS INTEGER) AS half,
       CAST(count(*) AS BIGINT) AS days, {{ money('sum(revenue)') }} AS revenue
FROM bought
WHERE age >= 0 AND age < {{ lit(months) }}
GROUP BY client_key, CAST((age - age % 3) / 3 AS INTEGER), half
ORDER BY client_key, quarter, half
