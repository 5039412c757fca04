-- One row per responsible person with a book at `at`: clients whose order days of the 365 days before it were mostly this
-- person's (at least 3 of them), all order days of these clients in the half-year before and after, and this person's part.
WITH served AS (
  SELECT client_key, manager, count(*) AS days
  FROM client_day
  WHERE purchase_no IS NOT NULL AND manager IS NOT NULL
    AND {{ days_between('day', lit(at)) }} BETWEEN 1 AND 365
  GROUP BY client_key, manager
), placed AS (
  SELECT client_key, manager, days, row_number() OVER (PARTITION BY client_key ORDER BY days DESC, manager ASC) AS place
  FROM served
), book AS (
  SELECT client_key, manager FROM placed WHERE place = 1 AND days >= 3
), around AS (
  SELECT b.manager, d.client_key,
         CASE WHEN d.manager = b.manager THEN 1 ELSE 0 END AS own,
         CASE WHEN d.day < {{ lit(at) }} THEN 1 ELSE 0 END AS before
  FROM client_day d
  JOIN book b ON d.client_key = b.client_key
  WHERE d.purchase_no IS NOT NULL AND d.manager IS NOT NULL AND d.day <= {{ lit(w.as_of) }}
    AND {{ days_between('day', lit(at)) }} BETWEEN -182 AND 183
)
SELECT manager, CAST(count(DISTINCT client_key) AS BIGINT) AS clients,
       CAST(sum(before) AS BIGINT) AS days_before, CAST(sum(before * own) AS BIGINT) AS own_before,
       CAST(sum(1 - before) AS BIGINT) AS days_after, CAST(sum((1 - before) * own) AS BIGINT) AS own_after
FROM around
GROUP BY manager
ORDER BY manager
