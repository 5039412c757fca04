-- Whom each responsible manager served, month by month, in the part of the window where new clients can be told from old ones:
-- won = 1 where the client's first purchase was his in that month.
SELECT d.manager, d.client_key, CAST(d.month_index AS BIGINT) AS month_index,
       CAST(max(CASE WHEN d.purchase_no = 1 AND (c.client_since IS NULL OR c.client_since >= {{ lit(w.start) }})
                     THEN 1 ELSE 0 END) AS BIGINT) AS won
FROM client_day d
JOIN clients c ON d.client_key = c.client_key
WHERE d.purchase_no IS NOT NULL AND d.manager IS NOT NULL
  AND d.day >= {{ lit(w.new_from) }} AND d.day <= {{ lit(w.as_of) }}
GROUP BY d.manager, d.client_key, d.month_index
ORDER BY d.manager, d.client_key, d.month_index
