-- One row per cohort (period of the first order day, step months long) x age in periods: clients active, their revenue.
WITH first_seen AS (
  SELECT client_key, first_day FROM clients
  WHERE first_day >= {{ lit(w.start) }} AND first_day <= {{ lit(w.as_of) }}
), cell AS (
  SELECT c.client_key,
         CAST(floor({{ month_index('f.first_day') }} / {{ lit(step) }}) AS INTEGER) AS cohort,
         CAST(floor(c.month_index / {{ lit(step) }}) AS INTEGER) AS period,
         count(c.purchase_no) AS order_days, sum(c.revenue) AS revenue
  FROM client_day c JOIN first_seen f ON c.client_key = f.client_key
  WHERE c.day >= {{ lit(w.start) }} AND c.day <= {{ lit(w.as_of) }}
  GROUP BY 1, 2, 3
)
SELECT cohort, period - cohort AS age,
       CAST(sum(CASE WHEN order_days > 0 THEN 1 ELSE 0 END) AS BIGINT) AS active,
       {{ money('sum(revenue)') }} AS revenue
FROM cell
GROUP BY cohort, period - cohort
ORDER BY cohort, age
