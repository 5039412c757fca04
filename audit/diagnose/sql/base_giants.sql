-- One row per giant order day: a client's day whose net revenue is above the limit.
SELECT client_key, day, revenue
FROM client_day
WHERE purchase_no IS NOT NULL AND revenue > {{ lit(limit) }} AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
ORDER BY day, client_key
