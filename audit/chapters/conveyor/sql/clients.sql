-- Clients ever served and active in the recent period. One row.
SELECT CAST(sum(CASE WHEN order_days >= 1 THEN 1 ELSE 0 END) AS BIGINT) AS served,
       CAST(sum(CASE WHEN last_day >= {{ lit(since) }} THEN 1 ELSE 0 END) AS BIGINT) AS active
FROM clients
