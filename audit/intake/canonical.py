"""One place where raw text cells get their meaning: SQL over the staged tables, the same for every file format.

Everything that differs between exports (spellings, marks, formats) is decided before, from evidence over all rows, and
enters here as rules and as small tables that map a cell's text to its code.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from audit.intake.formats import BLANKS, DateRule, NumberRule, empty_dates_sql, sql_text
from audit.intake.staging import TYPED, Staged
from audit.intake.words import words
from audit.settings import Settings

__all__ = [
    "DATE_FIELDS",
    "FLAG_FIELDS",
    "MAPPED_FIELDS",
    "NUMBER_FIELDS",
    "PERSON_FIELDS",
    "TEXT_FIELDS",
    "TOTAL_WORDS",
    "TableRules",
    "canonical_sql",
    "date_in_number",
    "text_sql",
]

DATE_FIELDS = ("order_date", "requested_date", "promised_date", "shipped_date", "delivered_date", "client_since")
NUMBER_FIELDS = ("amount", "margin", "cost", "qty", "price", "price_index", "shipped_pct")
PERSON_FIELDS = ("manager", "created_by", "processed_by")
FLAG_FIELDS = ("complaint", "document_error", "posted", "deleted")
MAPPED_FIELDS = (*PERSON_FIELDS, "status", "kind", "initiator", "currency")
TEXT_FIELDS = (
    "department", "complaint_reason", "sku", "sku_group", "contact", "channel", "segment", "region", "organization",
)  # fmt: skip
TOTAL_WORDS = r"(?i)[\s\x{00A0}*]*(общий итог|итоги|итого|итог|всего|grand total|subtotal|total)([^а-яёa-z].*)?"
"""A row whose text begins so is a total, not an order."""
SUBTOTAL_WORDS = r"(?i)[\s\x{00A0}*]*((итого|всего|итог) (по|за|на|для) .*|subtotal.*|total (for|by) .*)"
EARLIEST_YEAR = 1980
"""No order of an audit is older; such a date is a slip of the keyboard."""


@dataclass(frozen=True)
class TableRules:
    """How one staged table is understood."""

    name: str
    staged: Staged
    labels: Mapping[str, str]
    """Header of the file per field, as shown to the user."""
    dates: Mapping[str, DateRule]
    numbers: Mapping[str, NumberRule]
    pct_scale: float = 1.0
    """What one unit of the shipped percentage is worth: 0.01 where the column runs to 100."""
    grouped: bool = False
    """Whether the client stands in a row of its own above the rows of its orders."""
    all_returns: bool = False
    """Whether the whole file is returns written as positive amounts."""
    currency: str | None = None
    """The only currency used; rows in another are set aside."""
    fixes: Mapping[str, Sequence[tuple[str, str, str]]] = field(default_factory=dict)
    """Declared corrections per field: order number, value that must stand there, value that replaces it."""
    skip_groups: frozenset[str] = frozenset()

    @property
    def fields(self) -> frozenset[str]:
        """Fields that the table has."""
        return frozenset(self.staged.fields) - {"first"}


def text_sql(column: str, *, marked: bool = False) -> str:
    """Return a cell's text: blanks at the ends away, no-break blanks as blanks, marks of emptiness as null."""
    marks = sorted(w for w in words().empty if w)
    blanks = BLANKS + (TYPED if marked else "")
    t = f"nullif(trim({column}, {sql_text(blanks)}), '')"
    t = f"replace(replace({t}, '\u00a0', ' '), '\u202f', ' ')"
    longest = max(len(m) for m in marks)
    listed = ", ".join(sql_text(m) for m in marks)
    return f"CASE WHEN length({t}) <= {longest} AND lower({t}) IN ({listed}) THEN NULL ELSE {t} END"


def _order_number(text: str) -> str:
    """Number of «Заказ клиента 0000-000123 от 01.02.2024 10:11:12», or the cell as it is."""
    found = f"regexp_extract({text}, '№?\\s*([^\\s№]+)\\s+(?:от|dated|of|from)\\s+\\d{{1,2}}[ ./-]', 1)"
    inner = f"CASE WHEN contains({text}, ' от ') OR contains({text}, ' dated ') THEN coalesce(nullif({found}, ''), {text})"
    return f"{inner} WHEN starts_with({text}, '№') THEN trim(substr({text}, 2)) ELSE {text} END"


def date_in_number(text: str) -> str:
    """Return the date part of «Заказ клиента 0000-000123 от 01.02.2024 10:11:12», empty where there is none."""
    return f"regexp_extract({text}, '(?:от|dated)\\s+(\\d{{1,2}}[ ./-].*)$', 1)"


def _flag(text: str) -> str:
    """True for any non-empty cell that does not say no; false for an empty one: the file has the column."""
    no = ", ".join(sql_text(w) for w in sorted(words().no))
    return f"CASE WHEN {text} IS NULL OR lower({text}) IN ({no}) THEN FALSE ELSE TRUE END"


def canonical_sql(
    rules: TableRules, settings: Settings, today_sql: str, span: tuple[int, int] | None = None
) -> str:
    """Return a query over ``staged`` and the mapping tables: one row per staged row, canonical columns and the reason.

    Beside the columns of ``LINES_SCHEMA`` it has ``reason`` (null where the row is used), ``reject_column``,
    ``reject_value`` and ``read_amount`` (what the row would add to a total, null for totals and groups). ``span``
    limits it to row numbers from the first to the second.
    """
    have = rules.fields
    marked = rules.staged.marked

    def raw(name: str) -> str:
        column = f's."{name}"'
        if name in rules.fixes:
            number = _order_number(text_sql('s."order_id"', marked=marked))
            cases = " ".join(
                f"WHEN {number} = {sql_text(order)} AND trim({column}) = {sql_text(was)} THEN {sql_text(becomes)}"
                for order, was, becomes in rules.fixes[name]
            )
            column = f"CASE {cases} ELSE {column} END"
        return column

    # 1. Text of every cell that is read as text or whose text decides a reason.
    texts: dict[str, str] = {}
    for name in have:
        if name in NUMBER_FIELDS:
            texts[name] = f"nullif(trim({raw(name)}, {sql_text(BLANKS)}), '')"
        elif name in DATE_FIELDS:
            texts[name] = f"nullif(trim({raw(name)}, {sql_text(BLANKS + TYPED)}), '')"
        else:
            texts[name] = text_sql(raw(name), marked=marked)
    inner = [f's.source_row, s.problem, s.raw, s."first" AS first_cell']
    inner += [f'{sql} AS t_{name}' for name, sql in sorted(texts.items())]

    # 2. Values.
    values: list[str] = []
    for name in DATE_FIELDS:
        if name in have and name in rules.dates:
            value = rules.dates[name].sql(f"t_{name}")
            if name == "order_date" and "order_id" in have and "order_id" in rules.dates:
                inside = rules.dates["order_id"].sql(date_in_number("t_order_id"))
                value = f"CASE WHEN t_order_date IS NULL THEN {inside} ELSE {value} END"
            if name != "order_date":
                value = f"CASE WHEN year({value}) BETWEEN {EARLIEST_YEAR} AND 2200 THEN {value} END"
            values.append(f"{value} AS d_{name}")
        elif name == "order_date" and "order_id" in rules.dates:
            values.append(f"{rules.dates['order_id'].sql(date_in_number('t_order_id'))} AS d_order_date")
        else:
            values.append(f"CAST(NULL AS DATE) AS d_{name}")
    for name in NUMBER_FIELDS:
        if name in have and name in rules.numbers:
            values.append(f"{rules.numbers[name].sql(f't_{name}')} AS n_{name}")
        else:
            values.append(f"CAST(NULL AS DECIMAL(18,4)) AS n_{name}")
    values.append((_order_number("t_order_id") if "order_id" in have else "CAST(NULL AS VARCHAR)") + " AS v_order_id")

    # 3. Codes from the mapping tables.
    joins: list[str] = []
    codes: list[str] = []
    for name in MAPPED_FIELDS:
        if name in have:
            joins.append(f'LEFT JOIN map_{name} AS m_{name} ON v.t_{name} = m_{name}.raw')
            codes.append(f"m_{name}.code AS c_{name}")
        else:
            codes.append(f"CAST(NULL AS VARCHAR) AS c_{name}")
    keys: list[str] = []
    names: list[str] = []
    level_fields = {"holding": ("holding",), "legal_entity": ("legal_entity",)}.get(settings.level.client, ())
    by_id = "client_id" in have
    client_text = "t_client"
    if rules.grouped:
        client_text = "group_client"
    order = [*level_fields]
    split = "legal_entity" in have and settings.level.client != "legal_entity"
    order += ["client", "client_id"] if split else ["client_id", "client"]
    if "legal_entity" in have and "legal_entity" not in order and settings.level.client == "client":
        order.append("legal_entity")
    for name in order:
        if name == "client" and not ("client" in have or rules.grouped):
            continue
        if name != "client" and name not in have:
            continue
        text = client_text if name == "client" else f"t_{name}"
        joins.append(f"LEFT JOIN map_key_{name} AS k_{name} ON v.{text} = k_{name}.raw")
        keys.append(f"k_{name}.code")
        names.append(f"k_{name}.shown")
    key = f"coalesce({', '.join(keys)})" if keys else "CAST(NULL AS VARCHAR)"
    shown = f"coalesce({', '.join(names)})" if names else "CAST(NULL AS VARCHAR)"
    clean_id = "k_client_id.clean" if by_id and "client_id" in order else "CAST(NULL AS VARCHAR)"

    has_price = "price" in have
    amount = "v.n_amount"
    if has_price and "qty" in have:
        product = "TRY_CAST(v.n_qty * v.n_price AS DECIMAL(18,4))"
        amount = f"CASE WHEN v.t_amount IS NULL THEN {product} ELSE v.n_amount END" if "amount" in have else product

    def t(name: str) -> str:
        return f"v.t_{name}" if name in have else "CAST(NULL AS VARCHAR)"

    kind = "'return'" if rules.all_returns else "j.c_kind"
    if "kind" not in have and "order_id" in have and not rules.all_returns:
        kind = "CASE WHEN regexp_matches(j.t_order_id, '^(?i)(возврат|return|credit note)') THEN 'return' END"
    sign = f"CASE WHEN {kind} = 'return' AND j.amount_read > 0 THEN -1 ELSE 1 END"

    group_columns = ""
    if rules.grouped:
        source = t("client").replace("v.", "") if "client" in have else "NULL"
        group_columns = _group_columns(have, source)

    columns_v = ", ".join(["t.*", *values])
    columns_j = ", ".join([
        "v.*", *codes, f"{key} AS client_key", f"{shown} AS shown_name", f"{clean_id} AS clean_client_id",
        f"{amount} AS amount_read",
    ])  # fmt: skip
    reason, reject_column, reject_value = _reasons(rules, settings, have, kind, today_sql)
    kind, sign = kind.replace("j.", "r."), sign.replace("j.", "r.")
    margin = "CAST(NULL AS DECIMAL(18,4))"
    if "margin" in have:
        margin = "r.n_margin"
    elif "cost" in have:
        cost = "CASE WHEN r.amount_read < 0 AND r.n_cost > 0 THEN -r.n_cost ELSE r.n_cost END"
        margin = f"CAST(r.amount_read - {cost} AS DECIMAL(18,4))"

    def text(name: str) -> str:
        return f"r.t_{name}" if name in have else "CAST(NULL AS VARCHAR)"

    def flag(name: str) -> str:
        return _flag(f"r.t_{name}") if name in have else "CAST(NULL AS BOOLEAN)"

    # least and greatest skip nulls in DuckDB, so the null must be kept apart.
    pct = (f"CASE WHEN r.n_shipped_pct IS NOT NULL THEN "
           f"least(greatest(CAST(r.n_shipped_pct AS DOUBLE) * {rules.pct_scale!r}, 0.0), 1.0) END")  # fmt: skip
    selected = [
        "r.client_key", "r.shown_name AS client_name", "r.v_order_id AS order_id", "r.d_order_date AS order_date",
        "r.clean_client_id AS client_id", f"CAST({sign} * r.amount_read AS DECIMAL(18,4)) AS amount",
        f"CAST({sign} * {margin} AS DECIMAL(18,4)) AS margin",
        "r.c_manager AS manager", "r.c_created_by AS created_by", "r.c_processed_by AS processed_by",
        f"{text('department')} AS department", "r.c_currency AS currency", "r.c_status AS status",
        f"coalesce({kind}, 'sale') AS kind" if rules.all_returns or "kind" in have or "order_id" in have
        else "'sale' AS kind",
        *(f"r.d_{d} AS {d}" for d in ("requested_date", "promised_date", "shipped_date", "delivered_date")),
        f"{flag('complaint')} AS complaint", f"{text('complaint_reason')} AS complaint_reason",
        f"{flag('document_error')} AS document_error", f"{pct} AS shipped_pct",
        f"{text('sku')} AS sku", f"{text('sku_group')} AS sku_group",
        f"CAST({sign} * r.n_qty AS DECIMAL(18,4)) AS qty",
        f"{text('contact')} AS contact", f"{text('channel')} AS channel", "r.c_initiator AS initiator",
        f"{text('segment')} AS segment", f"{text('region')} AS region", f"{text('holding')} AS holding",
        "r.d_client_since AS client_since", "CAST(r.n_price_index AS DOUBLE) AS price_index",
        f"{text('organization')} AS organization", f"{sql_text(rules.name)} AS source_file", "r.source_row",
    ]  # fmt: skip
    selected += [f"r.t_{p} AS raw_{p}" if p in have else f"CAST(NULL AS VARCHAR) AS raw_{p}" for p in PERSON_FIELDS]
    selected += ["r.reason", "r.amount_read AS read_amount", reject_column, reject_value]
    where = f"WHERE s.source_row BETWEEN {span[0]} AND {span[1]}" if span else ""
    path = rules.staged.path.as_posix().replace("'", "''")
    return f"""
WITH t AS (SELECT {', '.join(inner)} FROM read_parquet('{path}') AS s {where}),
v AS (SELECT {columns_v}{group_columns} FROM t),
j AS (SELECT {columns_j} FROM v {' '.join(joins)}),
r AS (SELECT j.*, {reason} AS reason FROM j)
SELECT {', '.join(selected)} FROM r
"""


def _group_columns(have: frozenset[str], client: str) -> str:
    """Columns that carry a group row's client down to the rows below it."""
    return (
        ", last_value(CASE WHEN is_group THEN group_text END IGNORE NULLS) OVER "
        "(ORDER BY source_row ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS group_client"
        if client else ""
    )  # fmt: skip


def _reasons(
    rules: TableRules, settings: Settings, have: frozenset[str], kind: str, today_sql: str
) -> tuple[str, str, str]:
    """Return the reason, and the column and value to show with it, as SQL over ``j``."""
    texts = [f"j.t_{n}" for n in sorted(have)]
    blank = f"coalesce({', '.join(texts)}) IS NULL"
    labels = rules.labels
    date_text = "j.t_order_date" if "order_date" in have else "j.t_order_id" if "order_id" in have else "NULL"
    empty_date = f"({empty_dates_sql(date_text)}) IS NULL" if date_text != "NULL" else "TRUE"
    head_field = "order_date" if "order_date" in have else "amount" if "amount" in have else None
    repeated = "FALSE"
    if head_field is not None:
        own = labels[head_field].rsplit(" / ", 1)[-1].strip()
        repeated = f"j.t_{head_field} = {sql_text(own)}"
    looks_total = [n for n in ("order_id", "client", "client_id", "order_date", "sku", "manager") if n in have]
    total_texts = ["j.first_cell", *(f"j.t_{n}" for n in looks_total)]
    total = " OR ".join(f"regexp_full_match({x}, {sql_text(TOTAL_WORDS)})" for x in total_texts)
    subtotal = " OR ".join(f"regexp_full_match({x}, {sql_text(SUBTOTAL_WORDS)})" for x in total_texts)
    errors = [n for n in ("order_date", "amount", "client_id", "client", "qty", "price") if n in have]
    error = " OR ".join(f"starts_with(j.t_{n}, '#')" for n in errors if n not in ("client", "client_id")) or "FALSE"
    has_amount = "amount" in have
    amount_text = "j.t_amount" if has_amount else "coalesce(j.t_qty, j.t_price)"
    first = "make_date({}, 1, 1)".format(EARLIEST_YEAR)

    cases: list[tuple[str, str, str, str]] = []
    """condition, code, label, value"""

    def case(condition: str, code: str, name: str | None = None, value: str | None = None) -> None:
        label = sql_text(labels[name]) if name is not None and name in labels else "NULL"
        shown = value if value is not None else f"j.t_{name}" if name is not None and name in have else "NULL"
        cases.append((condition, code, label, f"CAST({shown} AS VARCHAR)"))

    case(f"({blank})", "blank_row")
    case(repeated, "repeated_header", head_field)
    no_date = "j.d_order_date IS NULL"
    label = "coalesce(nullif(trim(j.first_cell), ''), " + (f"{total_texts[1]}" if len(total_texts) > 1 else "''") + ")"
    case(f"{no_date} AND ({subtotal})", "subtotal_row", None, label)
    case(f"{no_date} AND ({total})", "total_row", None, label)
    if rules.grouped:
        case("j.is_group", "group_row", None, "j.group_text")
    case(f"({error})", "cell_error", None, "coalesce(" + ", ".join(
        f"CASE WHEN starts_with(j.t_{n}, '#') THEN j.t_{n} END" for n in errors
        if n not in ("client", "client_id")) + ")" if error != "FALSE" else "NULL")  # fmt: skip
    if "deleted" in have:
        case(_flag("j.t_deleted"), "deleted", "deleted")
    if "posted" in have:
        no = ", ".join(sql_text(w) for w in sorted(words().no))
        case(f"lower(j.t_posted) IN ({no})", "unposted", "posted")
    if "kind" in have:
        case("j.c_kind = 'internal'", "internal", "kind")
    if "status" in have:
        case("j.c_status = 'cancelled'", "cancelled", "status")
    client_field = "client_id" if "client_id" in have else "client"
    case("j.client_key IS NULL", "no_client", client_field)
    if settings.reading.drop_order_id_prefix and "order_id" in have:
        hit = " OR ".join(
            f"starts_with(j.v_order_id, {sql_text(p)})" for p in settings.reading.drop_order_id_prefix
        )
        case(hit, "dropped_prefix", "order_id")
    date_field = "order_date" if "order_date" in have else "order_id"
    case(f"{no_date} AND {empty_date}", "no_date", date_field)
    case(f"{no_date} OR (j.d_order_date < {first} AND NOT {empty_date})", "bad_date", date_field)
    case(f"j.d_order_date < {first}", "no_date", date_field)
    amount_field = "amount" if has_amount else "price"
    case(f"j.amount_read IS NULL AND {amount_text} IS NULL", "no_amount", amount_field)
    case("j.amount_read IS NULL", "bad_amount", amount_field)
    if settings.reading.drop_nonpositive_price:
        if "price" in have:
            case("j.n_price <= 0", "nonpositive_price", "price")
        elif "qty" in have:
            case("j.n_qty > 0 AND j.amount_read <= 0", "nonpositive_price", amount_field)
        else:
            case("j.amount_read = 0", "nonpositive_price", amount_field)
    if settings.reading.drop_returns:
        case(f"j.amount_read < 0 OR coalesce({kind}, 'sale') = 'return'", "return_dropped", amount_field)
    if rules.currency is not None and "currency" in have:
        case(f"j.c_currency <> {sql_text(rules.currency)}", "foreign_currency", "currency")
    case(f"j.d_order_date > {today_sql}", "future_date", date_field)
    period = settings.period
    bounds = [f"j.d_order_date < DATE '{period.start.isoformat()}'"] if period.start else []
    bounds += [f"j.d_order_date > DATE '{d.isoformat()}'" for d in (period.end, period.as_of) if d]
    if bounds:
        case(" OR ".join(bounds), "outside_period", date_field)

    arms = " ".join(f"WHEN {condition} THEN {sql_text(code)}" for condition, code, _, _ in cases)
    reason = f"CASE WHEN j.problem IS NOT NULL THEN j.problem {arms} END"
    once = {code: (label, value) for _, code, label, value in reversed(cases)}

    def shown(pick: int, otherwise: str) -> str:
        arms = " ".join(f"WHEN {sql_text(code)} THEN {both[pick]}" for code, both in once.items())
        expression = f"CASE WHEN r.reason IS NULL THEN NULL ELSE CASE r.reason {arms} ELSE {otherwise} END END"
        return expression.replace("j.", "r.")

    return reason, f"{shown(0, 'NULL')} AS reject_column", f"{shown(1, 'r.raw')} AS reject_value"
