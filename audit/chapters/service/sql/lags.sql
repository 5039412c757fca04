-- How many lines of orders carry each date, and how many of them the same number of days after the order as most others do:
-- one row per date that any line carries. By line, for lines of one order may have dates of their own.
WITH lag AS (
  {%- for field in fields %}
  SELECT '{{ field }}' AS field, {{ days_between('order_date', field) }} AS days
  FROM lines
  WHERE amount > 0 AND {{ field }} IS NOT NULL AND order_date >= {{ lit(w.start) }} AND order_date <= {{ lit(w.as_of) }}
  {%- if not loop.last %} UNION ALL{% endif %}
  {%- endfor %}
), counted AS (
  SELECT field, days, count(*) AS n FROM lag GROUP BY field, days
), placed AS (
  SELECT field, days, n, sum(n) OVER (PARTITION BY field) AS known,
         row_number() OVER (PARTITION BY field ORDER BY n DESC, days ASC) AS place
  FROM counted
)
SELECT field, CAST(days AS BIGINT) AS days, CAST(n AS BIGINT) AS n, CAST(known AS BIGINT) AS known
FROM placed WHERE place = 1
ORDER BY field
