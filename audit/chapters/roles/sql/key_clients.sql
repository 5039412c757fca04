-- Revenue of the recent period by the client's own key, for the list of key clients of the questionnaire.
WITH keys AS (
  SELECT DISTINCT client_id, client_key FROM lines WHERE client_id IS NOT NULL
), money AS (
  SELECT client_key, sum(revenue) AS revenue
  FROM client_day WHERE day >= {{ lit(since) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
)
SELECT k.client_id, m.client_key, c.segment, {{ double('m.revenue') }} AS revenue
FROM money m
JOIN clients c ON c.client_key = m.client_key
LEFT JOIN keys k ON k.client_key = m.client_key
ORDER BY m.client_key, k.client_id
