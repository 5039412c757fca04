-- The last order days of every client of the window, at most {{ lit(days) }} each: one row per client x day, from which
-- its present rhythm is told.
SELECT client_key, day
FROM (
  SELECT client_key, day, row_number() OVER (PARTITION BY client_key ORDER BY day DESC) AS nth
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
) AS numbered
WHERE nth <= {{ lit(days) }}
ORDER BY client_key, day
