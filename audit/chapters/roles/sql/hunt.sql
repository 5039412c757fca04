-- What kind of purchases each responsible manager handles: one row per manager x client x kind, recent period.
-- new: purchase number up to k of a client known to be new; reactivated: after a silence that is long for this client;
-- range: a purchase with a category that this client never bought before; repeat: all other purchases.
-- Clients first met in the burn-in are not known to be new: their purchases are never "new", and the first k of them
-- are no sure repeats either, so that these are left out.
WITH first_bought AS (
  SELECT client_key, sku_group, min(order_date) AS day
  FROM lines WHERE amount > 0 AND sku_group IS NOT NULL
  GROUP BY client_key, sku_group
), fresh AS (
  SELECT client_key, day, count(*) AS categories FROM first_bought GROUP BY client_key, day
), usual AS (
  SELECT client_key, {{ quantile('gap_days', 0.5) }} AS gap
  FROM client_day WHERE gap_days IS NOT NULL
  GROUP BY client_key
), days AS (
  SELECT d.manager, d.client_key, d.day, d.purchase_no, d.gap_days, u.gap, f.categories,
         CASE WHEN c.client_since IS NOT NULL THEN CASE WHEN c.client_since >= {{ lit(w.start) }} THEN 1 ELSE 0 END
              WHEN c.first_day >= {{ lit(w.new_from) }} THEN 1 ELSE 0 END AS is_new,
         CASE WHEN c.client_since IS NULL AND c.first_day < {{ lit(w.new_from) }} THEN 1 ELSE 0 END AS unsure
  FROM client_day d
  JOIN clients c ON d.client_key = c.client_key
  LEFT JOIN usual u ON d.client_key = u.client_key
  LEFT JOIN fresh f ON d.client_key = f.client_key AND d.day = f.day
  WHERE d.purchase_no IS NOT NULL AND d.manager IS NOT NULL
    AND d.day >= {{ lit(since) }} AND d.day <= {{ lit(w.as_of) }}
), kinds AS (
  SELECT manager, client_key,
         CASE WHEN is_new = 1 AND purchase_no <= {{ lit(k) }} THEN 'new'
              WHEN gap_days >= {{ lit(silent_days) }} AND gap_days > {{ lit(silent_gaps) }} * gap THEN 'reactivated'
              WHEN categories > 0 AND purchase_no > 1 AND (is_new = 1 OR day >= {{ lit(range_from) }}) THEN 'range'
              WHEN unsure = 1 AND purchase_no <= {{ lit(k) }} THEN 'unsure'
              ELSE 'repeat' END AS kind
  FROM days
)
SELECT manager, client_key, kind, CAST(count(*) AS BIGINT) AS days
FROM kinds
WHERE kind <> 'unsure'
GROUP BY manager, client_key, kind
ORDER BY manager, client_key, kind
