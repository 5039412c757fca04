-- One row per client code of the files: the client it counts as (a holding where the level is the holding).
SELECT client_id, min(client_key) AS client_key
FROM lines
WHERE client_id IS NOT NULL
GROUP BY client_id
ORDER BY client_id
