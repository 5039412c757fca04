-- One row per client with at least one gap between order days: how often it buys, and the rank sums with which the
-- gaps that ended in the recent period are compared with those before (ranks doubled to stay whole with ties).
WITH gap AS (
  SELECT client_key, gap_days, CASE WHEN day >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS recent
  FROM client_day
  WHERE gap_days IS NOT NULL AND previous_day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), length AS (
  SELECT client_key, gap_days, count(*) AS n, sum(recent) AS recent
  FROM gap GROUP BY client_key, gap_days
), placed AS (
  SELECT client_key, n, recent,
         sum(n) OVER (PARTITION BY client_key ORDER BY gap_days ROWS UNBOUNDED PRECEDING) AS upto
  FROM length
), ranks AS (
  SELECT client_key, sum(recent * (2 * upto - n + 1)) AS recent_twice_ranks, sum(n * n * n - n) AS tie_sum
  FROM placed GROUP BY client_key
), usual AS (
  SELECT client_key, count(*) AS gaps, sum(recent) AS recent_gaps,
         {{ quantile('gap_days', 0.5) }} AS median_gap_days
  FROM gap GROUP BY client_key
)
SELECT u.client_key, CAST(u.gaps AS BIGINT) AS gaps, CAST(u.recent_gaps AS BIGINT) AS recent_gaps,
       u.median_gap_days,
       CAST(r.recent_twice_ranks AS BIGINT) AS recent_twice_ranks, CAST(r.tie_sum AS BIGINT) AS tie_sum
FROM usual u JOIN ranks r ON u.client_key = r.client_key
ORDER BY u.client_key
