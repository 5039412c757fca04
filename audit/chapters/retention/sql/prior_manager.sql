-- One row per client: the manager of most of its order days in the prior period (then of most revenue, then by name).
WITH shared_days AS (
  SELECT client_key, manager, count(*) AS order_days, sum(revenue) AS revenue
  FROM client_day
  WHERE purchase_no IS NOT NULL AND manager IS NOT NULL
    AND day >= {{ lit(w.prior_start) }} AND day < {{ lit(w.recent_start) }}
  GROUP BY client_key, manager
), placed AS (
  SELECT client_key, manager,
         row_number() OVER (PARTITION BY client_key ORDER BY order_days DESC, revenue DESC, manager ASC) AS place
  FROM shared_days
)
SELECT client_key, manager FROM placed WHERE place = 1
ORDER BY client_key
