-- One row per client that bought in the `span` days before a hand-over at `at`: the person of most of its order days then;
-- the person of most of those in the `history` days before and its part of them; order days so far in the window, revenue over `span` days before and, from `at` on, after. Days with more returns than
-- purchases lower the revenue.
WITH days AS (
  SELECT client_key, day, revenue, manager, purchase_no, {{ days_between('day', lit(at)) }} AS ahead
  FROM client_day
  WHERE day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), sums AS (
  SELECT client_key,
         sum(CASE WHEN ahead BETWEEN 1 AND {{ lit(span) }} THEN revenue ELSE 0 END) AS revenue_before,
         sum(CASE WHEN ahead BETWEEN {{ lit(1 - span) }} AND 0 THEN revenue ELSE 0 END) AS revenue_after,
         count(CASE WHEN ahead >= 1 THEN purchase_no END) AS purchases,
         count(CASE WHEN ahead BETWEEN 1 AND {{ lit(span) }} THEN purchase_no END) AS days_before,
         count(CASE WHEN ahead BETWEEN {{ lit(1 - span) }} AND 0 THEN purchase_no END) AS days_after
  FROM days
  GROUP BY client_key
), served AS (
  SELECT client_key, manager,
         row_number() OVER (PARTITION BY client_key ORDER BY count(*) DESC, sum(revenue) DESC, manager ASC) AS place
  FROM days
  WHERE purchase_no IS NOT NULL AND manager IS NOT NULL AND ahead BETWEEN 1 AND {{ lit(span) }}
  GROUP BY client_key, manager
), known AS (
  SELECT client_key, manager, count(*) AS days, sum(revenue) AS revenue
  FROM days
  WHERE purchase_no IS NOT NULL AND manager IS NOT NULL AND ahead BETWEEN 1 AND {{ lit(history) }}
  GROUP BY client_key, manager
), held AS (
  SELECT client_key, manager, 1.0 * days / sum(days) OVER (PARTITION BY client_key) AS part,
         row_number() OVER (PARTITION BY client_key ORDER BY days DESC, revenue DESC, manager ASC) AS place
  FROM known
)
SELECT s.client_key, v.manager, h.manager AS holder, CAST(h.part AS DOUBLE) AS holder_share, CAST(s.purchases AS BIGINT) AS purchases, CAST(s.days_before AS BIGINT) AS days_before,
       CAST(s.days_after AS BIGINT) AS days_after,
       {{ money('s.revenue_before') }} AS revenue_before, {{ money('s.revenue_after') }} AS revenue_after
FROM sums s
JOIN served v ON s.client_key = v.client_key AND v.place = 1
JOIN held h ON s.client_key = h.client_key AND h.place = 1
WHERE s.days_before > 0 AND s.revenue_before > 0
ORDER BY s.client_key
