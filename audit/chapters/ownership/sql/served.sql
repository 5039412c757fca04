-- Order days with a responsible person since `since`, as whole numbers: client (unit), person (place among all of them
-- by name, from 0), days since 1970. From them the books at many dates are told without asking once a date.
WITH person AS (
  SELECT manager, row_number() OVER (ORDER BY manager) - 1 AS place
  FROM (SELECT DISTINCT manager FROM client_day WHERE purchase_no IS NOT NULL AND manager IS NOT NULL) AS named
), unit AS (
  SELECT client_key, row_number() OVER (ORDER BY client_key) - 1 AS place FROM clients
)
SELECT CAST(u.place AS INTEGER) AS unit, CAST(p.place AS INTEGER) AS person,
       CAST({{ days_between("DATE '1970-01-01'", 'd.day') }} AS INTEGER) AS age
FROM client_day d
JOIN person p ON d.manager = p.manager
JOIN unit u ON d.client_key = u.client_key
WHERE d.purchase_no IS NOT NULL AND d.day >= {{ lit(since) }} AND d.day <= {{ lit(w.as_of) }}
ORDER BY unit, person
