-- What clients won in the recent period bring: revenue and margin of the period, by whether the client is new in it.
SELECT CASE WHEN c.first_day >= {{ lit(since) }} AND c.first_day >= {{ lit(w.new_from) }}
             AND (c.client_since IS NULL OR c.client_since >= {{ lit(w.start) }}) THEN 1 ELSE 0 END AS is_new,
       CAST(count(DISTINCT d.client_key) AS BIGINT) AS clients,
       {{ double('sum(d.revenue)') }} AS revenue, {{ double('sum(d.margin)') }} AS margin
FROM client_day d JOIN clients c ON d.client_key = c.client_key
WHERE d.day >= {{ lit(since) }} AND d.day <= {{ lit(w.as_of) }}
GROUP BY CASE WHEN c.first_day >= {{ lit(since) }} AND c.first_day >= {{ lit(w.new_from) }}
               AND (c.client_since IS NULL OR c.client_since >= {{ lit(w.start) }}) THEN 1 ELSE 0 END
ORDER BY is_new
