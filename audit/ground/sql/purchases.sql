-- Purchases of the clients that may be new in the window, up to a number, with the seller of each and the next day.
WITH may_be_new AS (
  SELECT client_key FROM clients
  WHERE first_day >= {{ lit(w.new_from) }} OR client_since >= {{ lit(w.start) }}
), bought AS (
  SELECT d.client_key, d.purchase_no, d.day, d.month_index, d.revenue, d.manager,
         lead(d.day) OVER (PARTITION BY d.client_key ORDER BY d.day) AS next_day
  FROM client_day d JOIN may_be_new n ON d.client_key = n.client_key
  WHERE d.purchase_no IS NOT NULL AND d.day <= {{ lit(w.as_of) }}
)
SELECT client_key, purchase_no, day, month_index, {{ money('revenue') }} AS revenue, manager, next_day
FROM bought
WHERE purchase_no <= {{ lit(up_to) }}
ORDER BY client_key, purchase_no
