-- Which client a code or a name of the questionnaire means: one row per code or name met in the orders.
SELECT client_id AS said, min(client_key) AS client_key, 1 AS place FROM lines WHERE client_id IS NOT NULL GROUP BY client_id
UNION ALL
SELECT client_key AS said, client_key, 2 AS place FROM clients
UNION ALL
SELECT client_name AS said, min(client_key) AS client_key, 3 AS place
FROM clients WHERE client_name IS NOT NULL GROUP BY client_name HAVING count(*) = 1
