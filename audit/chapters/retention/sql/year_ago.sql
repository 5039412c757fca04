-- Regular clients as they stood on as_of: last order day, revenue of the 365 days up to it, and whether an order came
-- in the time until `until`.
WITH latest AS (
  SELECT client_key, max(day) AS last_day FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
)
SELECT l.client_key, min(c.segment) AS segment, min(l.last_day) AS last_day,
       {{ double('sum(CASE WHEN d.day <= l.last_day THEN d.revenue ELSE 0 END)') }} AS at_stake,
       CAST(max(CASE WHEN d.day > l.last_day AND d.purchase_no IS NOT NULL THEN 1 ELSE 0 END) AS BIGINT) AS returned
FROM latest l
JOIN clients c ON l.client_key = c.client_key
JOIN client_day d ON d.client_key = l.client_key
WHERE d.day >= {{ lit(w.start) }} AND d.day <= {{ lit(until) }}
  AND (d.day > l.last_day OR {{ days_between('d.day', 'l.last_day') }} <= 364)
GROUP BY l.client_key
ORDER BY l.client_key
