-- Order days of the clients with enough of them to tell whether they slow down: one row per client x day of the window.
WITH bought AS (
  SELECT client_key, day, count(*) OVER (PARTITION BY client_key) AS days
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
)
SELECT client_key, day FROM bought
WHERE days >= {{ lit(least) }}
ORDER BY client_key, day
