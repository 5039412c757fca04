-- Every responsible person of the order days, by name.
SELECT DISTINCT manager
FROM client_day
WHERE purchase_no IS NOT NULL AND manager IS NOT NULL
ORDER BY manager
