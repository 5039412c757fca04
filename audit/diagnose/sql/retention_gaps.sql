-- One row per client with at least one gap between order days: how often it buys, and the rank sums with which the
-- gaps that ended in the recent period are compared with those before (ranks doubled to stay whole with ties).
WITH gap AS (
  SELECT client_key, gap_days, CASE WHEN day >= {{ lit(w.recent_start) }} THEN 1 ELSE 0 END AS recent
  FROM client_day
  WHERE gap_days IS NOT NULL AND previous_day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), ranked AS (
  SELECT client_key, gap_days, recent,
         rank() OVER (PARTITION BY client_key ORDER BY gap_days) AS low_rank,
         count(*) OVER (PARTITION BY client_key, gap_days) AS ties
  FROM gap
)
SELECT client_key, CAST(count(*) AS BIGINT) AS gaps, CAST(sum(recent) AS BIGINT) AS recent_gaps,
       {{ quantile('gap_days', 0.5) }} AS median_gap_days, {{ quantile('gap_days', 0.9) }} AS p90_gap_days,
       CAST(sum(CASE WHEN recent = 1 THEN 2 * low_rank + ties - 1 ELSE 0 END) AS BIGINT) AS recent_twice_ranks,
       CAST(sum(ties * ties - 1) AS BIGINT) AS tie_sum
FROM ranked
GROUP BY client_key
ORDER BY client_key
