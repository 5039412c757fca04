-- Orders of the recent period whose gross profit at the company's margin is below the cost of serving one. One row: how many
-- orders there are and what they bring; how many are below, what these bring, and what they lack.
SELECT CAST(count(*) AS BIGINT) AS orders,
       {{ double('coalesce(sum(revenue), 0)') }} AS revenue,
       CAST(coalesce(sum(CASE WHEN revenue < {{ lit(limit) }} THEN 1 ELSE 0 END), 0) AS BIGINT) AS small,
       {{ double('coalesce(sum(CASE WHEN revenue < ' ~ lit(limit) ~ ' THEN revenue ELSE 0 END), 0)') }} AS small_revenue
FROM orders
WHERE is_order = 1 AND day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
