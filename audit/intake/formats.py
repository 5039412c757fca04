"""How dates and numbers are written in a file: evidence counted over all rows, decided once, never guessed per cell.

Evidence of one kind (the order of day and month, the decimal mark) is pooled over all files of one audit, so that
splitting a file changes nothing; a file that decides for itself is taken at its word.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from audit.errors import AmbiguityError, Text
from audit.intake.staging import TYPED
from audit.intake.words import words
from audit.settings import Reading

__all__ = [
    "BLANKS",
    "DateEvidence",
    "DateRule",
    "NumberEvidence",
    "NumberRule",
    "date_rules",
    "number_rules",
    "sql_text",
]

BLANKS = " \t\r\n\u00a0\u202f\u2007\u2009\u200b\ufeff"
_SPACE = r"[\s\x{00A0}\x{202F}\x{2007}\x{2009}]"

ISO = r"\d{4}-\d{1,2}-\d{1,2}([T ].*)?"
YMD = r"\d{4}[./]\d{1,2}[./]\d{1,2}([T ].*)?"
COMPACT = r"(19|20)\d{6}"
SERIAL = r"[1-6]\d{4}([.,]\d+)?"
DOTTED = rf"\d{{1,2}}\.\d{{1,2}}\.(\d{{4}}|\d{{2}})({_SPACE}*г\.?)?([T, ]{_SPACE}*\d.*)?"
SLASHED = r"\d{1,2}/\d{1,2}/(\d{4}|\d{2})([T, ].*)?"
DASHED = r"\d{1,2}-\d{1,2}-(\d{4}|\d{2})([T, ].*)?"
WORDED = rf"(?i)\d{{1,2}}[ -]?([а-яё]+|[a-z]+)\.?[ -]\d{{2,4}}({_SPACE}*(г|года)\.?)?,?([T ].*)?"
WORDED_US = r"(?i)[a-z]+\.? \d{1,2},? \d{4}.*"
FAMILIES: Mapping[str, str] = {
    "iso": ISO, "dotted": DOTTED, "slashed": SLASHED, "dashed": DASHED, "ymd": YMD, "compact": COMPACT,
    "serial": SERIAL, "worded": WORDED, "worded_us": WORDED_US,
}  # fmt: skip
"""Ways to write a date, as patterns over the trimmed cell, in the order in which they are tried."""

_MONTHS = {
    1: ("янв", "jan"), 2: ("фев", "feb"), 3: ("мар", "mar"), 4: ("апр", "apr"), 5: ("мая", "май", "may"),
    6: ("июн", "jun"), 7: ("июл", "jul"), 8: ("авг", "aug"), 9: ("сен", "sep"), 10: ("окт", "oct"),
    11: ("ноя", "nov"), 12: ("дек", "dec"),
}  # fmt: skip

Order = Literal["dmy", "mdy"]


def sql_text(value: str) -> str:
    """Return a text as an SQL literal."""
    return "'" + value.replace("'", "''") + "'"


@dataclass
class DateEvidence:
    """What the cells of one date column show: how many of each family, and the largest first and second part."""

    counts: dict[str, int] = field(default_factory=dict)
    largest: dict[str, tuple[int, int]] = field(default_factory=dict)
    fixed_width: bool = False
    """Whether all dotted dates have two-digit days and months and four-digit years."""
    example: dict[str, str] = field(default_factory=dict)

    @staticmethod
    def sql(column: str) -> str:
        """Return the aggregates that `read` understands, over a text column."""
        t = f"trim({column}, {sql_text(BLANKS + TYPED)})"
        parts = [f"count(*) FILTER (WHERE regexp_full_match({t}, {sql_text(p)}))" for p in FAMILIES.values()]
        for name, mark in (("dotted", "."), ("slashed", "/"), ("dashed", "-")):
            where = f"FILTER (WHERE regexp_full_match({t}, {sql_text(FAMILIES[name])}))"
            for place in (1, 2):
                parts.append(f"max(TRY_CAST(split_part({t}, '{mark}', {place}) AS INTEGER)) {where}")
            parts.append(f"min({t}) {where}")
        parts.append(f"count(*) FILTER (WHERE regexp_full_match({t}, '\\d\\d\\.\\d\\d\\.\\d{{4}}( .*)?'))")
        return ", ".join(parts)

    @classmethod
    def read(cls, row: list[Any]) -> DateEvidence:
        """Build the evidence from the aggregates' values."""
        values = iter(row)
        counts = {name: int(next(values)) for name in FAMILIES}
        largest: dict[str, tuple[int, int]] = {}
        example: dict[str, str] = {}
        for name in ("dotted", "slashed", "dashed"):
            first, second, shown = next(values), next(values), next(values)
            if first is not None and second is not None:
                largest[name] = (int(first), int(second))
                example[name] = str(shown)
        return cls(counts, largest, int(next(values)) == counts["dotted"], example)


@dataclass(frozen=True, slots=True)
class DateRule:
    """How to read one date column. ``families`` are those met; ``order`` says day first or month first per mark."""

    families: tuple[str, ...]
    order: Mapping[str, Order]
    fixed_width: bool
    pattern: str | None = None

    def sql(self, text: str) -> str:
        """Return a DATE expression over a trimmed text expression; null where it is not a date."""
        parts = [f"CAST(try_strptime({text}, {sql_text(self.pattern)}) AS DATE)"] if self.pattern else []
        one = len(self.families) == 1
        for family in self.families:
            expression = self._one(family, text)
            if one and family in ("iso",) and not parts:
                return expression
            guard = f"regexp_full_match({text}, {sql_text(FAMILIES[family])})"
            parts.append(f"CASE WHEN {guard} THEN {expression} END")
        if not parts:
            return "CAST(NULL AS DATE)"
        return parts[0] if len(parts) == 1 else f"coalesce({', '.join(parts)})"

    def _one(self, family: str, t: str) -> str:
        if family == "iso":
            # substr keeps the clock away: DuckDB reads «(BC)», «epoch» and time zones after a date.
            return f"TRY_CAST(substr({t}, 1, 10) AS DATE)"
        if family == "ymd":
            return f"TRY_CAST(replace(replace(split_part({t}, ' ', 1), '.', '-'), '/', '-') AS DATE)"
        if family == "compact":
            return f"TRY_CAST(substr({t},1,4) || '-' || substr({t},5,2) || '-' || substr({t},7,2) AS DATE)"
        if family == "serial":
            whole = f"TRY_CAST(substr({t}, 1, 5) AS INTEGER)"
            return f"CASE WHEN {whole} BETWEEN 29221 AND 73050 THEN DATE '1899-12-30' + {whole} END"
        if family in ("dotted", "slashed", "dashed"):
            mark = {"dotted": ".", "slashed": "/", "dashed": "-"}[family]
            day, month = (1, 2) if self.order.get(family, "dmy") == "dmy" else (2, 1)
            if family == "dotted" and self.fixed_width:
                at = {1: f"substr({t},1,2)", 2: f"substr({t},4,2)"}
                return f"TRY_CAST(substr({t},7,4) || '-' || {at[month]} || '-' || {at[day]} AS DATE)"
            part = {1: f"split_part({t}, '{mark}', 1)", 2: f"split_part({t}, '{mark}', 2)"}
            return _ymd(f"regexp_extract(split_part({t}, '{mark}', 3), '^\\d+')", part[month], part[day])
        if family == "worded":
            month = _month_sql(f"regexp_extract({t}, '^\\d{{1,2}}[ -]?([^\\d .-]+)', 1)")
            return _ymd(f"regexp_extract({t}, '^\\d{{1,2}}[ -]?[^\\d .-]+\\.?[ -](\\d+)', 1)", month,
                        f"regexp_extract({t}, '^\\d{{1,2}}')")  # fmt: skip
        month = _month_sql(f"regexp_extract({t}, '^[A-Za-z]+')")
        return _ymd(f"regexp_extract({t}, ',? (\\d{{4}})', 1)", month, f"regexp_extract({t}, ' (\\d{{1,2}})', 1)")


def _ymd(year: str, month: str, day: str) -> str:
    full = f"CASE WHEN length({year}) = 2 THEN CASE WHEN {year} < '70' THEN '20' ELSE '19' END || {year} ELSE {year} END"
    return f"TRY_CAST({full} || '-' || lpad({month}, 2, '0') || '-' || lpad({day}, 2, '0') AS DATE)"


def _month_sql(word: str) -> str:
    cases = " ".join(
        f"WHEN substr(lower({word}), 1, 3) IN ({', '.join(sql_text(s) for s in starts)}) THEN '{number:02d}'"
        for number, starts in _MONTHS.items()
    )
    return f"CASE {cases} END"


def _order_of(evidence: Iterable[tuple[int, int]]) -> set[Order]:
    out: set[Order] = set()
    for first, second in evidence:
        if first > 12:
            out.add("dmy")
        if second > 12:
            out.add("mdy")
    return out


def _asked_order(reading: Reading) -> tuple[Order | None, str | None]:
    """Return the order of day and month, and the strptime pattern, that ``[reading] date_format`` names."""
    text = reading.date_format
    if text is None:
        return None, None
    low = text.lower()
    if "%" in text:
        day, month = text.find("%d"), max(text.find("%m"), text.find("%b"), text.find("%B"))
        return ("dmy" if day <= month else "mdy"), text
    day, month = low.find("d"), low.find("m")
    return ("dmy" if 0 <= day < month or low.startswith("y") else "mdy"), None


def date_rules(evidence: Mapping[str, Mapping[str, DateEvidence]], reading: Reading) -> dict[str, dict[str, DateRule]]:
    """Decide how every date column of every file is read.

    Day first is the rule for dotted dates unless a second part above 12 says otherwise. With slashes and dashes the
    file must show it (a part above 12), or the other files, or the settings; else it is asked.
    """
    asked, pattern = _asked_order(reading)
    pooled = {
        family: _order_of(e.largest[family] for columns in evidence.values() for e in columns.values()
                          if family in e.largest)
        for family in ("dotted", "slashed", "dashed")
    }  # fmt: skip
    out: dict[str, dict[str, DateRule]] = {}
    for file, columns in evidence.items():
        order: dict[str, Order] = {}
        for family in ("dotted", "slashed", "dashed"):
            own = [e.largest[family] for e in columns.values() if family in e.largest]
            if not own:
                continue
            shown = _order_of(own) or pooled[family]
            if asked is not None:
                order[family] = asked
            elif family == "dotted":
                order[family] = "mdy" if shown == {"mdy"} else "dmy"
            elif len(shown) == 1:
                order[family] = next(iter(shown))
            else:
                example = next(e.example[family] for e in columns.values() if family in e.example)
                raise _which_order(file, example, bool(shown))
        out[file] = {
            name: DateRule(tuple(f for f in FAMILIES if e.counts[f]), order, e.fixed_width, pattern)
            for name, e in columns.items()
        }
    return out


def _which_order(file: str, example: str, both: bool) -> AmbiguityError:
    answer = '[reading]\ndate_format = "dd/mm/yyyy"'
    if both:
        what = Text(f"В файле есть и даты «день/месяц», и даты «месяц/день» (например, {example})",
                    f"The file has both day/month and month/day dates (for example {example})")  # fmt: skip
    else:
        what = Text(f"По датам не видно, где день, а где месяц (например, {example})",
                    f"The dates do not show which part is the day and which the month (for example {example})")  # fmt: skip
    return AmbiguityError(
        what, where=file, answer=answer,
        todo=Text('Добавьте в audit.toml: [reading] date_format = "dd/mm/yyyy" (или "mm/dd/yyyy")',
                  'Add to audit.toml: [reading] date_format = "dd/mm/yyyy" (or "mm/dd/yyyy")'),
    )  # fmt: skip


_CURRENCY = r"(?:руб(?:лей|ля|\.)?|р\.|р|₽|rub|rur|usd|eur|cny|kzt|\$|€|¥|₸|%|шт\.?)"
_NUMBER = (
    rf"(?i)\(?{_SPACE}*[-−–—+]?{_SPACE}*{_CURRENCY}?{_SPACE}*\d[\d\s\x{{00A0}}\x{{202F}}\x{{2007}}\x{{2009}}'’]*"
    rf"(?:[.,]\d+)*(?:e[-+]?\d+)?[.,]?{_SPACE}*{_CURRENCY}?\.?{_SPACE}*\)?{_SPACE}*[-−]?"
)  # fmt: skip
_THIN = " \u00a0\u202f"


@dataclass
class NumberEvidence:
    """What the cells of one number column show about decimal and thousand marks."""

    filled: int = 0
    plain: int = 0
    """Cells that are a number with at most a decimal point."""
    comma_decimal: int = 0
    dot_decimal: int = 0
    comma_three: int = 0
    """Cells with one comma and exactly three digits after it: thousands or decimals."""
    dot_three: int = 0
    commas: int = 0
    percent: int = 0
    largest: float = 0.0
    example_comma: str | None = None
    example_dot: str | None = None

    @staticmethod
    def sql(column: str) -> str:
        """Return the aggregates that `read` understands, over a text column."""
        t = f"trim({column}, {sql_text(BLANKS)})"
        # Typed numbers carry a mark and say nothing about the text cells beside them.
        text = f"NOT starts_with({t}, '{TYPED}')"
        tail = "\\D*$"
        comma = (f"{text} AND (regexp_matches({t}, '^[^,]*,(\\d{{1,2}}|\\d{{4,}}){tail}') "
                 f"OR regexp_matches({t}, '\\..*,\\d+{tail}'))")  # fmt: skip
        dot = (f"{text} AND (regexp_matches({t}, '^[^.]*\\.(\\d{{1,2}}|\\d{{4,}})([eE][-+]?\\d+)?{tail}') "
               f"OR regexp_matches({t}, ',.*\\.\\d+{tail}'))")  # fmt: skip
        has_comma = f"contains({column}, ',')"
        not_plain = f"TRY_CAST({column} AS DECIMAL(18,4)) IS NULL"
        return ", ".join((
            f"count(*) FILTER (WHERE {column} <> '')",
            f"count(*) FILTER (WHERE NOT ({not_plain}) AND NOT contains({column}, '_'))",
            f"count(*) FILTER (WHERE {has_comma} AND {comma})",
            f"count(*) FILTER (WHERE contains({column}, '.') AND {dot})",
            f"count(*) FILTER (WHERE {has_comma} AND regexp_full_match({t}, '[^,.]*\\d{{1,3}},\\d{{3}}\\D*'))",
            f"count(*) FILTER (WHERE contains({column}, '.') AND {text} "
            f"AND regexp_full_match({t}, '[^,.]*\\d{{1,3}}\\.\\d{{3}}\\D*'))",
            f"count(*) FILTER (WHERE {has_comma})",
            f"count(*) FILTER (WHERE contains({column}, '%'))",
            f"max(abs(TRY_CAST(replace(replace(trim({column}, {sql_text(BLANKS + TYPED + '%')}), '{TYPED}', ''), "
            "',', '.') AS DOUBLE)))",
            f"min({column}) FILTER (WHERE {has_comma} AND {comma})",
            f"min({column}) FILTER (WHERE contains({column}, '.') AND {dot})",
        ))

    @classmethod
    def read(cls, row: list[Any]) -> NumberEvidence:
        """Build the evidence from the aggregates' values."""
        counts = [int(v or 0) for v in row[:8]]
        return cls(*counts, largest=float(row[8] or 0.0), example_comma=row[9], example_dot=row[10])


@dataclass(frozen=True, slots=True)
class NumberRule:
    """How to read one number column: its decimal mark, and whether every cell is a plain number."""

    decimal: Literal[".", ","]
    plain: bool
    marked: bool = False

    def sql(self, text: str) -> str:
        """Return a DECIMAL(18,4) expression over a text expression; null where it is not a number."""
        if self.plain:
            return f"TRY_CAST({text} AS DECIMAL(18,4))"
        bare = text
        if self.marked:
            marked = f"starts_with({text}, '{TYPED}')"
            typed = f"TRY_CAST(substr({text}, 2) AS DECIMAL(18,4))"
            return f"CASE WHEN {marked} THEN {typed} ELSE {NumberRule(self.decimal, False).sql(text)} END"
        for blank in _THIN:
            bare = f"replace({bare}, '{blank}', '')"
        if self.decimal == ",":
            guard = f"contains({text}, '.') OR contains({text}, '_')"
            quick = f"CASE WHEN {guard} THEN NULL ELSE TRY_CAST(replace({bare}, ',', '.') AS DECIMAL(18,4)) END"
        else:
            guard = f"contains({text}, ',') OR contains({text}, '_')"
            quick = f"CASE WHEN {guard} THEN NULL ELSE TRY_CAST({bare} AS DECIMAL(18,4)) END"
        return f"coalesce({quick}, {self._slow(text)})"

    def _slow(self, text: str) -> str:
        """Signs of all kinds, brackets, currency words, thousand marks. Guarded: anything else is not a number."""
        other = "." if self.decimal == "," else ","
        kept = f"regexp_replace({text}, '[^0-9.,eE]', '', 'g')"
        kept = f"rtrim({kept}, '.,e')"
        grouped = f"regexp_full_match({kept}, '\\d{{1,3}}(\\{other}\\d{{3}})+(\\{self.decimal}\\d*)?')"
        body = f"replace({kept}, '{other}', '')"
        if self.decimal == ",":
            body = f"replace({body}, ',', '.')"
        negative = f"regexp_matches({text}, '[-−–—]\\D*\\d.*|[-−]\\s*$') OR starts_with(ltrim({text}), '(')"
        fine = f"(NOT contains({kept}, '{other}') OR {grouped}) AND regexp_full_match({text}, {sql_text(_NUMBER)})"
        number = f"TRY_CAST({body} AS DECIMAL(18,4))"
        return f"CASE WHEN {text} IS NOT NULL AND {fine} THEN CASE WHEN {negative} THEN -{number} ELSE {number} END END"


def number_rules(
    evidence: Mapping[str, Mapping[str, NumberEvidence]],
    typed: Mapping[str, frozenset[str]],
    marked: frozenset[str],
    reading: Reading,
) -> dict[str, dict[str, NumberRule]]:
    """Decide the decimal mark of every number column of every file; both marks proven in one file is asked."""
    pooled: set[str] = set()
    own: dict[str, set[str]] = {}
    for file, columns in evidence.items():
        marks: set[str] = set()
        for name, e in columns.items():
            if name in typed[file]:
                continue
            if e.comma_decimal:
                marks.add(",")
            if e.dot_decimal:
                marks.add(".")
            if e.comma_decimal and e.dot_decimal and reading.decimal is None:
                raise _mixed_marks(file, e.example_comma or "", e.example_dot or "")
        own[file] = marks
        pooled |= marks
    out: dict[str, dict[str, NumberRule]] = {}
    for file, columns in evidence.items():
        out[file] = {}
        for name, e in columns.items():
            if name in typed[file]:
                out[file][name] = NumberRule(".", plain=True)
                continue
            decimal = reading.decimal
            if decimal is None:
                if e.comma_decimal:
                    decimal = ","
                elif e.dot_decimal:
                    decimal = "."
                elif not e.comma_three and not e.dot_three:
                    decimal = "," if own[file] == {","} else "."
                else:
                    decimal = _by_neighbours(file, e, own[file], pooled)
            plain = decimal == "." and e.plain == e.filled and file not in marked
            out[file][name] = NumberRule(decimal, plain, file in marked)
    return out


def _by_neighbours(file: str, e: NumberEvidence, own: set[str], pooled: set[str]) -> Literal[".", ","]:
    for marks in (own, pooled):
        if len(marks) == 1:
            return "," if marks == {","} else "."
    if e.dot_three and not e.comma_three:
        return "."  # «1.234» with no comma anywhere: nobody groups by dots and has no fractions at all
    raise _mixed_marks(file, "1,250", "1.250")


def _mixed_marks(file: str, comma: str, dot: str) -> AmbiguityError:
    return AmbiguityError(
        Text(f"Неясно, чем отделена дробная часть: встречаются «{comma}» и «{dot}»",
             f"The decimal mark is unclear: both “{comma}” and “{dot}” are met"),
        where=file,
        todo=Text('Добавьте в audit.toml: [reading] decimal = "," (или ".")',
                  'Add to audit.toml: [reading] decimal = "," (or ".")'),
        answer='[reading]\ndecimal = ","',
    )  # fmt: skip


def empty_dates_sql(text: str) -> str:
    """Return the text with the marks of an empty date (01.01.0001, 30.12.1899 …) as null."""
    marks = ", ".join(sql_text(w) for w in sorted(words().empty_date | words().empty))
    return f"CASE WHEN lower({text}) IN ({marks}) THEN NULL ELSE {text} END"
