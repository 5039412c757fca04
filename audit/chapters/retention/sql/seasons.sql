-- Clients whose present silence is their habit of the season: one row per client that was silent in the same weeks of
-- every earlier year (of the last two) in which it was already a client. The first and last part of the silence
-- (tolerance) may have held an order: no season returns to the day.
WITH last_order AS (
  SELECT client_key, max(day) AS last_day
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), back AS (
  SELECT d.client_key, {{ days_between('d.day', 'l.last_day') }} AS days_before,
         {{ days_between('l.last_day', lit(w.as_of)) }} AS silent
  FROM client_day d JOIN last_order l ON d.client_key = l.client_key
  WHERE d.purchase_no IS NOT NULL AND d.day >= {{ lit(w.start) }} AND d.day <= {{ lit(w.as_of) }}
), years AS (
  SELECT client_key, max(days_before) AS known_days,
         sum(CASE WHEN days_before > 365 - silent * (1 - {{ lit(tolerance) }})
                   AND days_before < 365 - silent * {{ lit(tolerance) }} THEN 1 ELSE 0 END) AS year_ago,
         sum(CASE WHEN days_before > 730 - silent * (1 - {{ lit(tolerance) }})
                   AND days_before < 730 - silent * {{ lit(tolerance) }} THEN 1 ELSE 0 END) AS two_years_ago
  FROM back
  WHERE silent < 365
  GROUP BY client_key
)
SELECT client_key
FROM years
WHERE known_days >= 365 AND year_ago = 0 AND (known_days < 730 OR two_years_ago = 0)
ORDER BY client_key
