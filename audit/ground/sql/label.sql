-- Whether the manager is told per order or is a label of the client: clients with two or more purchases with a seller, and
-- those of them who met more than one.
WITH met AS (
  SELECT client_key, count(*) AS purchases, count(DISTINCT manager) AS managers
  FROM client_day
  WHERE purchase_no IS NOT NULL AND manager IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
)
SELECT CAST(count(*) AS BIGINT) AS clients, CAST(coalesce(sum(CASE WHEN managers > 1 THEN 1 ELSE 0 END), 0) AS BIGINT) AS several
FROM met WHERE purchases >= 2
