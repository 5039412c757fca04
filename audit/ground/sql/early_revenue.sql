-- Revenue of the clients that may be new, over their first days as clients (the day of the first purchase is day 0).
SELECT d.client_key, {{ money('sum(d.revenue)') }} AS revenue
FROM client_day d JOIN clients c ON d.client_key = c.client_key
WHERE (c.first_day >= {{ lit(w.new_from) }} OR c.client_since >= {{ lit(w.start) }})
  AND d.day >= c.first_day AND {{ days_between('c.first_day', 'd.day') }} <= {{ lit(within) }} AND d.day <= {{ lit(w.as_of) }}
GROUP BY d.client_key
ORDER BY d.client_key
