-- One row: the usual month (median revenue of the months in which it buys) of the client at the given quantile.
WITH month_sums AS (
  SELECT client_key, month_index, sum(revenue) AS revenue
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key, month_index
), usual AS (
  SELECT client_key, {{ quantile(double('revenue'), 0.5) }} AS usual_month
  FROM month_sums
  GROUP BY client_key
)
SELECT {{ quantile('usual_month', share) }} AS usual_month, count(*) AS clients FROM usual
