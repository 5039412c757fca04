-- One row per client with two or more projects (order days of at least large_share of its largest one): days of the
-- first and of the last project, and smaller sales strictly between them.
WITH bought AS (
  SELECT client_key, day, revenue, max(revenue) OVER (PARTITION BY client_key) AS largest
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), marked AS (
  SELECT client_key, day, CASE WHEN revenue >= {{ lit(large_share) }} * largest THEN 1 ELSE 0 END AS large FROM bought
), project AS (
  SELECT client_key, min(CASE WHEN large = 1 THEN day END) AS first_project,
         max(CASE WHEN large = 1 THEN day END) AS last_project, sum(large) AS projects
  FROM marked GROUP BY client_key
)
SELECT p.client_key, p.first_project, p.last_project, CAST(p.projects AS BIGINT) AS projects,
       CAST(sum(CASE WHEN m.large = 0 AND m.day > p.first_project AND m.day < p.last_project THEN 1 ELSE 0 END) AS BIGINT)
         AS small_between
FROM project p JOIN marked m ON p.client_key = m.client_key
WHERE p.projects >= 2
GROUP BY p.client_key, p.first_project, p.last_project, p.projects
ORDER BY p.client_key
