-- Orders of the recent period and the lines in them. One row.
SELECT CAST(count(*) AS BIGINT) AS documents, CAST(coalesce(sum(lines), 0) AS BIGINT) AS lines
FROM orders
WHERE is_order = 1 AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
