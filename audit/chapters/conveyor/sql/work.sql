-- What the recent period asks of the department: clients that ordered, documents, their lines. One row.
SELECT CAST(count(DISTINCT client_key) AS BIGINT) AS clients,
       CAST(count(*) AS BIGINT) AS documents,
       CAST(coalesce(sum(lines), 0) AS BIGINT) AS lines
FROM orders
WHERE is_order = 1 AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
