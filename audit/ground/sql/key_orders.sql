-- One row per client with orders in the recent period: orders, order days, those with a shipping date against a promise
-- and those of them shipped late, complaints, errors in papers, people who ordered.
SELECT o.client_key, CAST(count(*) AS BIGINT) AS orders,
       CAST(count(coalesce(o.promised_date_late, o.requested_date_late)) AS BIGINT) AS dated,
       CAST(coalesce(sum(CASE WHEN coalesce(o.promised_date_late, o.requested_date_late) > 0 THEN 1 ELSE 0 END), 0) AS BIGINT) AS late,
       CAST(coalesce(sum(o.complaint), 0) AS BIGINT) AS complaints,
       CAST(coalesce(sum(o.document_error), 0) AS BIGINT) AS document_errors,
       CAST(count(DISTINCT o.contact) AS BIGINT) AS contacts
FROM orders o
WHERE o.is_order = 1 AND o.day >= {{ lit(since) }} AND o.day <= {{ lit(w.as_of) }}
GROUP BY o.client_key
ORDER BY o.client_key
