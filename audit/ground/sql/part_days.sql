-- Order days of the recent period by client and who served.
SELECT client_key, manager, CAST(count(*) AS BIGINT) AS days
FROM client_day
WHERE purchase_no IS NOT NULL AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
GROUP BY client_key, manager
ORDER BY client_key, manager
