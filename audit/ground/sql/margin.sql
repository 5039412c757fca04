-- One row per client with lines in the recent period: revenue, gross profit of the lines that carry a margin or a cost,
-- and the revenue of just those lines.
SELECT client_key,
       {{ double('sum(amount)') }} AS revenue,
       {{ double('coalesce(sum(margin), 0)') }} AS margin,
       {{ double('coalesce(sum(CASE WHEN margin IS NOT NULL THEN amount END), 0)') }} AS known
FROM lines
WHERE order_date >= {{ lit(since) }} AND order_date <= {{ lit(w.as_of) }}
GROUP BY client_key
ORDER BY client_key
