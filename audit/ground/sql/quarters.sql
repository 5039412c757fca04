-- One row per client with turnover in the window: net revenue of each whole quarter, q0 the latest (it ends on as_of).
SELECT client_key
{% for q in quarters %}
     , {{ money('sum(CASE WHEN day >= ' ~ lit(q['from']) ~ ' AND day <= ' ~ lit(q['until']) ~ ' THEN revenue ELSE 0 END)') }} AS q{{ loop.index0 }}
{% endfor %}
FROM client_day
WHERE day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
GROUP BY client_key
ORDER BY client_key
