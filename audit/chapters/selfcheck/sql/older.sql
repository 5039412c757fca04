-- Revenue per client on days on which the client had been known for a year: prior and recent period. Known since the
-- client's own date where it is not later than the first order; a client met in the burn-in is taken as old.
WITH since AS (
  SELECT client_key,
         CASE WHEN client_since IS NOT NULL AND client_since <= first_day THEN client_since
              WHEN first_day < {{ lit(w.new_from) }} THEN {{ lit(w.start) }}
              ELSE first_day END AS known_since
  FROM clients WHERE order_days >= 1
)
SELECT d.client_key,
       {{ money('sum(CASE WHEN d.day < ' ~ lit(w.recent_start) ~ ' THEN d.revenue ELSE 0 END)') }} AS prior_revenue,
       {{ money('sum(CASE WHEN d.day >= ' ~ lit(w.recent_start) ~ ' THEN d.revenue ELSE 0 END)') }} AS recent_revenue
FROM client_day d JOIN since s ON d.client_key = s.client_key
WHERE d.day >= {{ lit(w.prior_start) }} AND d.day <= {{ lit(w.as_of) }}
  AND {{ days_between('s.known_since', 'd.day') }} >= 365
GROUP BY d.client_key
ORDER BY d.client_key
