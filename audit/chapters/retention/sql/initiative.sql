-- One row per client with orders of a known initiator in the recent period: begun by us, begun by the client, by neither.
SELECT client_key,
       CAST(sum(CASE WHEN initiator = 'OUT' THEN 1 ELSE 0 END) AS BIGINT) AS by_us,
       CAST(sum(CASE WHEN initiator = 'IN' THEN 1 ELSE 0 END) AS BIGINT) AS by_client,
       CAST(sum(CASE WHEN initiator = 'SYS' THEN 1 ELSE 0 END) AS BIGINT) AS by_system,
       CAST(sum(CASE WHEN initiator IS NULL THEN 1 ELSE 0 END) AS BIGINT) AS unknown
FROM orders
WHERE is_order = 1 AND day >= {{ lit(w.recent_start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY client_key
ORDER BY client_key
