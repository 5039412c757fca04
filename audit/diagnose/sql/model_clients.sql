-- Clients ever served, active in the recent period, and won after the burn-in. One row.
SELECT CAST(sum(CASE WHEN order_days >= 1 THEN 1 ELSE 0 END) AS BIGINT) AS served,
       CAST(sum(CASE WHEN last_day >= {{ lit(since) }} THEN 1 ELSE 0 END) AS BIGINT) AS active,
       CAST(sum(CASE WHEN first_day >= {{ lit(w.new_from) }}
                      AND (client_since IS NULL OR client_since >= {{ lit(w.start) }}) THEN 1 ELSE 0 END) AS BIGINT) AS won
FROM clients
