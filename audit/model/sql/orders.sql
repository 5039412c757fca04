-- Documents with the day on which each counts. One row per client x document x own date.
-- A document that only takes back (no positive row on its date) nets on the latest earlier day of the same order;
-- an order that nets to nothing over its life counts on its first day, as if never placed.
-- Columns that the files do not fill are not read: `filled` names the others.
{% macro of(column, how, type) -%}
  {% if column in filled %}{{ how }}({{ column }}){% else %}CAST(NULL AS {{ type }}){% endif %}
{%- endmacro -%}
{% macro told(column) -%}
  {% if column in filled %}max(CASE WHEN {{ column }} THEN 1 WHEN {{ column }} IS NULL THEN NULL ELSE 0 END)
  {%- else %}CAST(NULL AS INTEGER){% endif %}
{%- endmacro -%}
{#- Days that the latest line was shipped after its promise; of the whole where no line has both dates. #}
{% macro late(promise) -%}
  {% if promise in filled and 'shipped_date' in filled -%}
  coalesce(max({{ days_between(promise, 'shipped_date') }}),
           {{ days_between('min(' ~ promise ~ ')', 'max(shipped_date)') }})
  {%- else %}CAST(NULL AS INTEGER){% endif %}
{%- endmacro -%}
WITH doc AS (
  SELECT client_key, order_id, order_date,
         sum(amount) AS revenue,
         sum(CASE WHEN amount > 0 THEN amount ELSE 0 END) AS gross,
         {{ of('margin', 'sum', 'DECIMAL(18,4)') }} AS margin,
         {% if 'margin' in filled %}count(margin){% else %}0{% endif %} AS margin_lines,
         count(*) AS lines,
         {{ of('manager', 'min', 'STRING') }} AS manager,
         {{ of('created_by', 'min', 'STRING') }} AS created_by,
         {{ of('processed_by', 'min', 'STRING') }} AS processed_by,
         {{ of('department', 'min', 'STRING') }} AS department,
         {{ of('channel', 'min', 'STRING') }} AS channel,
         {{ of('initiator', 'min', 'STRING') }} AS initiator,
         {{ of('contact', 'min', 'STRING') }} AS contact,
         {{ of('status', 'min', 'STRING') }} AS status,
         {{ of('segment', 'min', 'STRING') }} AS segment,
         {{ of('requested_date', 'min', 'DATE') }} AS requested_date,
         {{ of('promised_date', 'min', 'DATE') }} AS promised_date,
         {{ of('shipped_date', 'max', 'DATE') }} AS shipped_date,
         {{ of('delivered_date', 'max', 'DATE') }} AS delivered_date,
         {{ late('promised_date') }} AS promised_date_late, {{ late('requested_date') }} AS requested_date_late,
         {{ told('complaint') }} AS complaint, {{ told('document_error') }} AS document_error,
         {{ of('complaint_reason', 'min', 'STRING') }} AS complaint_reason,
         {{ of('shipped_pct', 'min', 'DOUBLE') }} AS shipped_pct,
         {{ of('price_index', 'min', 'DOUBLE') }} AS price_index
  FROM lines
  GROUP BY client_key, order_id, order_date
), sold AS (
  SELECT client_key, order_id, order_date FROM doc WHERE gross > 0 AND order_id IS NOT NULL
), life AS (
  -- only orders with several documents: a single one is its own life
  SELECT client_key, order_id, sum(revenue) AS life_revenue,
         min(CASE WHEN gross > 0 THEN order_date END) AS first_sold
  FROM doc WHERE order_id IS NOT NULL
  GROUP BY client_key, order_id
  HAVING count(*) > 1
), link AS (
  SELECT d.client_key, d.order_id, d.order_date,
         max(CASE WHEN s.order_date <= d.order_date THEN s.order_date END) AS before_day,
         min(s.order_date) AS any_day
  FROM doc d JOIN sold s ON d.client_key = s.client_key AND d.order_id = s.order_id
  WHERE d.gross = 0
  GROUP BY d.client_key, d.order_id, d.order_date
)
SELECT d.client_key, d.order_id, d.order_date,
       CASE WHEN life.life_revenue <= 0 AND life.first_sold IS NOT NULL THEN life.first_sold
            WHEN d.gross > 0 THEN d.order_date
            ELSE coalesce(link.before_day, link.any_day, d.order_date) END AS day,
       {{ money('d.revenue') }} AS revenue, {{ money('d.gross') }} AS gross,
       {{ money('d.margin') }} AS margin, CAST(d.margin_lines AS BIGINT) AS margin_lines,
       CAST(d.lines AS BIGINT) AS lines,
       CASE WHEN d.gross > 0 AND coalesce(life.life_revenue, d.revenue) > 0 THEN 1 ELSE 0 END AS is_order,
       CASE WHEN d.gross = 0 AND link.any_day IS NULL THEN 1 ELSE 0 END AS unlinked_return,
       d.manager, d.created_by, d.processed_by, d.department, d.channel, d.initiator, d.contact, d.status, d.segment,
       d.requested_date, d.promised_date, d.shipped_date, d.delivered_date,
       CAST(d.promised_date_late AS INTEGER) AS promised_date_late, CAST(d.requested_date_late AS INTEGER) AS requested_date_late,
       CAST(d.complaint AS INTEGER) AS complaint, d.complaint_reason,
       CAST(d.document_error AS INTEGER) AS document_error, d.shipped_pct, d.price_index
FROM doc d
LEFT JOIN life ON d.client_key = life.client_key AND d.order_id = life.order_id
LEFT JOIN link ON d.client_key = link.client_key AND d.order_id = link.order_id AND d.order_date = link.order_date
