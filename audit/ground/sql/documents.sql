-- Documents of the recent period and their lines, by responsible manager: whoever typed them, or nobody.
SELECT manager, CAST(count(*) AS BIGINT) AS documents, CAST(coalesce(sum(lines), 0) AS BIGINT) AS lines
FROM orders
WHERE is_order = 1 AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
GROUP BY manager
ORDER BY manager
