-- Gross profit and revenue of the days whose lines all carry a margin, and all revenue; one row.
SELECT {{ double('coalesce(sum(revenue), 0)') }} AS revenue,
       {{ double('coalesce(sum(CASE WHEN margin_lines = lines THEN revenue END), 0)') }} AS known_revenue,
       {{ double('coalesce(sum(CASE WHEN margin_lines = lines THEN margin END), 0)') }} AS margin
FROM client_day
WHERE day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
