-- Clients with orders in the recent period and their manager: who served most of their order days.
WITH recent AS (
  SELECT client_key, sum(revenue) AS revenue, count(purchase_no) AS order_days
  FROM client_day WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), served AS (
  SELECT client_key, manager,
         row_number() OVER (PARTITION BY client_key ORDER BY count(*) DESC, manager ASC) AS place
  FROM client_day
  WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }} AND purchase_no IS NOT NULL AND manager IS NOT NULL
  GROUP BY client_key, manager
)
SELECT r.client_key, s.manager, CAST(r.order_days AS BIGINT) AS order_days, {{ double('r.revenue') }} AS revenue
FROM recent r
LEFT JOIN served s ON r.client_key = s.client_key AND s.place = 1
WHERE r.order_days > 0
ORDER BY r.client_key
