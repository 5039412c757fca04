-- Silences that may have crossed the client's limit (multiple x 90th percentile of its earlier gaps, at least min_days):
-- one row per such silence with the percentile of the gaps before it. returned = 0: the silence lasts at as_of;
-- followed_days: from its beginning to as_of.
-- The percentile is taken only for silences that pass a count of earlier gaps that is necessary for crossing it.
WITH gap AS (
  SELECT client_key, purchase_no, gap_days, {{ days_between('previous_day', lit(w.as_of)) }} AS followed_days
  FROM client_day
  WHERE gap_days IS NOT NULL AND previous_day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
), present AS (
  SELECT client_key, max(purchase_no) AS purchases, max(day) AS last_day
  FROM client_day
  WHERE purchase_no IS NOT NULL AND day >= {{ lit(w.start) }} AND day <= {{ lit(w.as_of) }}
  GROUP BY client_key
), silence AS (
  SELECT client_key, purchase_no, gap_days AS silent_days, followed_days, 1 AS returned
  FROM gap WHERE gap_days >= {{ lit(min_days) }}
  UNION ALL
  SELECT client_key, purchases + 1 AS purchase_no,
         {{ days_between('last_day', lit(w.as_of)) }} AS silent_days,
         {{ days_between('last_day', lit(w.as_of)) }} AS followed_days, 0 AS returned
  FROM present WHERE {{ days_between('last_day', lit(w.as_of)) }} >= {{ lit(min_days) }}
), counted AS (
  SELECT s.client_key, s.purchase_no, s.silent_days, s.followed_days, s.returned, count(*) AS gaps_before,
         sum(CASE WHEN {{ lit(multiple) }} * g.gap_days < s.silent_days THEN 1 ELSE 0 END) AS much_shorter
  FROM silence s JOIN gap g ON s.client_key = g.client_key AND g.purchase_no < s.purchase_no
  GROUP BY s.client_key, s.purchase_no, s.silent_days, s.followed_days, s.returned
), candidate AS (
  SELECT * FROM counted
  WHERE gaps_before >= {{ lit(min_gaps) }} AND much_shorter >= floor(0.9 * (gaps_before - 1)) + 1
)
SELECT c.client_key, CAST(c.purchase_no AS INTEGER) AS purchase_no, CAST(c.silent_days AS INTEGER) AS silent_days,
       CAST(c.followed_days AS INTEGER) AS followed_days,
       CAST(c.returned AS INTEGER) AS returned, CAST(c.gaps_before AS INTEGER) AS gaps_before,
       {{ quantile('g.gap_days', 0.9) }} AS p90_before_days
FROM candidate c JOIN gap g ON c.client_key = g.client_key AND g.purchase_no < c.purchase_no
GROUP BY c.client_key, c.purchase_no, c.silent_days, c.followed_days, c.returned, c.gaps_before
ORDER BY c.client_key, c.purchase_no
