-- One row per client that bought in the recent period: what it paid for named goods, and how much of that for goods that
-- hardly anybody else buys (fewer than `reach` of all clients with named goods, or this client alone).
WITH bought AS (
  SELECT client_key, {{ item }} AS item, sum(amount) AS amount
  FROM lines
  WHERE amount > 0 AND {{ item }} IS NOT NULL AND order_date >= {{ lit(since) }} AND order_date <= {{ lit(w.as_of) }}
  GROUP BY client_key, {{ item }}
), everybody AS (
  SELECT count(DISTINCT client_key) AS clients FROM bought
), reach AS (
  SELECT item, count(*) AS buyers FROM bought GROUP BY item
)
SELECT b.client_key, {{ money('sum(b.amount)') }} AS named_revenue,
       {{ money('sum(CASE WHEN r.buyers = 1 OR r.buyers < ' ~ lit(reach_share) ~ ' * e.clients THEN b.amount ELSE 0 END)') }}
         AS rare_revenue
FROM bought b
JOIN reach r ON b.item = r.item
CROSS JOIN everybody e
GROUP BY b.client_key
ORDER BY b.client_key
