"""The stages of reading orders, in order; each method is one stage and leaves its findings for the report."""

from __future__ import annotations

import datetime as dt
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.errors import InputError, Text
from audit.intake import canonical as canon
from audit.intake.clients import clean_name, client_id_key, name_key
from audit.intake.columns import TablePlan, plan_table
from audit.intake.files import TableReader, find_files, open_tables
from audit.intake.formats import (
    DateEvidence,
    DateRule,
    NumberEvidence,
    NumberRule,
    date_rules,
    number_rules,
    sql_text,
)
from audit.intake.people import PersonIndex
from audit.intake.rejects import REASONS, RejectedRows
from audit.intake.staging import Staged
from audit.intake.words import words
from audit.model.intake_report import (
    FileUse,
    IntakeReport,
    PersonUse,
    Question,
    SetAside,
)
from audit.model.orders import LINES_SCHEMA
from audit.model.questionnaire import Questionnaire
from audit.settings import CANONICAL_FIELDS, Settings

__all__ = ["Intake"]

_BATCH_ROWS = 122_880
_SPANS_AT_ONCE = 2
"""Row groups of the stage that one query takes: enough for two threads, little enough to stay small."""
_KEY_FIELDS = ("client_id", "client", "holding", "legal_entity")


@dataclass
class _Table:
    """One table on its way: reader, plan of its columns, staged rows, rules."""

    reader: TableReader
    plan: TablePlan
    staged: Staged
    size_bytes: int
    grouped: bool = False
    all_returns: bool = False
    rows_used: int = 0
    rows_set_aside: int = 0

    @property
    def name(self) -> str:
        return self.reader.name

    def has(self, name: str) -> bool:
        return name in self.staged.fields


@dataclass
class _Counted:
    rows: int = 0
    revenue: Decimal = Decimal(0)
    has_revenue: bool = False
    example: str | None = None


@dataclass
class Intake:
    """One reading of all orders."""

    settings: Settings
    questionnaire: Questionnaire | None
    out: Path
    work: Path
    connection: Any
    today: dt.date
    say: Callable[[Text], None]
    tables: list[_Table] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, _Counted] = field(default_factory=lambda: defaultdict(_Counted))
    person_rows: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    def run(self, sources: Sequence[str | Path]) -> IntakeReport:
        """Go through all stages and return the report."""
        self._open_and_stage(sources)
        rules = self._rules()
        self._map_words()
        self._map_people()
        self._map_clients()
        self._write(rules)
        return self._report()

    # -- files and columns ---------------------------------------------------------------------------------------

    def _open_and_stage(self, sources: Sequence[str | Path]) -> None:
        for file in find_files(sources):
            self.say(Text(f"Читаю {file.name}", f"Reading {file.name}"))
            for reader in open_tables(file, self.settings.reading, self.work):
                plan = plan_table(reader, self.settings)
                self.questions.extend(plan.questions)
                self.notes.extend(plan.notes)
                path = self.work / f"staged_{len(self.tables)}.parquet"
                written = reader.stage(plan.layout, plan.keep, path)
                staged = Staged(
                    path, written.rows, written.fields,
                    typed=frozenset(written.fields) if reader.format == "parquet" else frozenset(),
                    spans=tuple(written.spans),
                )  # fmt: skip
                self.tables.append(_Table(reader, plan, staged, file.path.stat().st_size))

    # -- evidence and rules --------------------------------------------------------------------------------------

    def _rules(self) -> list[canon.TableRules]:
        dates: dict[str, dict[str, DateEvidence]] = {}
        numbers: dict[str, dict[str, NumberEvidence]] = {}
        for t in self.tables:
            dates[t.name] = self._date_evidence(t)
            numbers[t.name] = self._number_evidence(t)
        reading = self.settings.reading
        date_by = date_rules(dates, reading)
        typed = {t.name: t.staged.typed for t in self.tables}
        marked = frozenset(t.name for t in self.tables if t.staged.marked)
        number_by = number_rules(numbers, typed, marked, reading)
        scale = self._pct_scale(numbers)
        return [self._table_rules(t, date_by[t.name], number_by[t.name], scale) for t in self.tables]

    def _table_rules(
        self, t: _Table, dates: Mapping[str, DateRule], numbers: Mapping[str, NumberRule], scale: float
    ) -> canon.TableRules:
        return canon.TableRules(
            name=t.name, staged=t.staged, labels=t.plan.labels, dates=dates, numbers=numbers, pct_scale=scale,
            grouped=t.grouped, all_returns=t.all_returns,
        )  # fmt: skip

    def _date_evidence(self, t: _Table) -> dict[str, DateEvidence]:
        expressions = {f: f'"{f}"' for f in canon.DATE_FIELDS if t.has(f)}
        if t.has("order_id"):
            text = canon.text_sql('"order_id"', marked=t.staged.marked)
            inside = canon.date_in_number(text)
            if "order_date" not in expressions or self._any(t, f"{inside} <> ''"):
                expressions["order_id"] = inside
        out = {}
        for name, expression in expressions.items():
            row = self._row(t, DateEvidence.sql("c"), f"(SELECT {expression} AS c FROM {_from(t)})")
            out[name] = DateEvidence.read(row)
        return out

    def _number_evidence(self, t: _Table) -> dict[str, NumberEvidence]:
        out = {}
        for name in canon.NUMBER_FIELDS:
            if t.has(name):
                out[name] = NumberEvidence.read(self._row(t, NumberEvidence.sql(f'"{name}"'), _from(t)))
        return out

    def _pct_scale(self, numbers: Mapping[str, Mapping[str, NumberEvidence]]) -> float:
        """Shares or percent: one value above 1.5, or a percent sign, in any file makes the column percent."""
        found = [columns["shipped_pct"] for columns in numbers.values() if "shipped_pct" in columns]
        return 0.01 if any(e.largest > 1.5 or e.percent for e in found) else 1.0

    def _row(self, t: _Table, what: str, source: str) -> list[Any]:
        return list(self.connection.execute(f"SELECT {what} FROM {source}").fetchall()[0])

    def _any(self, t: _Table, condition: str) -> bool:
        sql = f"SELECT 1 FROM {_from(t)} WHERE {condition} LIMIT 1"
        return self.connection.execute(sql).fetchall() != []

    # -- words, persons, clients ---------------------------------------------------------------------------------

    def _distinct(self, name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for t in self.tables:
            if t.has(name):
                text = canon.text_sql(f'"{name}"', marked=t.staged.marked)
                sql = f"SELECT {text} AS c, count(*) FROM {_from(t)} WHERE problem IS NULL GROUP BY 1"
                for value, rows in self.connection.execute(sql).fetchall():
                    if value is not None:
                        found[value] += rows
        return found

    def _map_table(self, name: str, rows: Iterable[Sequence[str | None]], columns: Sequence[str]) -> None:
        data = list(rows)
        table = pa.table(
            [pa.array([r[i] for r in data], pa.string()) for i in range(len(columns))], names=list(columns)
        )
        self.connection.register("arriving", table)
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT * FROM arriving")
        self.connection.unregister("arriving")

    def _map_words(self) -> None:
        known = words()
        cancelled = {" ".join(c.lower().split()) for c in self.settings.reading.cancelled}

        def status(text: str) -> str | None:
            return "cancelled" if " ".join(text.lower().split()) in cancelled else known.status.code(text)

        def currency(text: str) -> str | None:
            code = known.currency.code(text)
            return code or (text.upper() if len(text) == 3 and text.isalpha() else text)

        readers: Mapping[str, Callable[[str], str | None]] = {
            "status": status, "kind": known.kind.code, "initiator": known.initiator.code, "currency": currency,
        }  # fmt: skip
        for name, read in readers.items():
            found = self._distinct(name)
            codes = {text: read(text) for text in found}
            self._map_table(f"map_{name}", codes.items(), ("raw", "code"))
            strange = sorted(t for t, c in codes.items() if c is None)
            if strange:
                self._note_unknown_words(name, strange)

    def _note_unknown_words(self, name: str, strange: Sequence[str]) -> None:
        from audit.intake.headers import field_name

        shown = "; ".join(f"«{s}»" for s in strange[:8]) + (" …" if len(strange) > 8 else "")
        words_ = field_name(name)
        self.notes.append(Text(f"Поле «{words_.ru}»: значения не распознаны — {shown}",
                               f"Field “{words_.en}”: values not recognised — {shown}"))  # fmt: skip

    def _map_people(self) -> None:
        index = PersonIndex(self.settings, self.questionnaire)
        self.people_index = index
        for name in canon.PERSON_FIELDS:
            found = self._distinct(name)
            self._map_table(f"map_{name}", ((s, index.resolve(s).code) for s in found), ("raw", "code"))

    def _map_clients(self) -> None:
        pairs: Counter[tuple[str | None, ...]] = Counter()
        inn = False
        for t in self.tables:
            have = [f for f in _KEY_FIELDS if t.has(f)]
            if not have:
                continue
            inn = inn or t.plan.client_id_is_inn
            columns = ", ".join(
                canon.text_sql(f'"{f}"', marked=t.staged.marked) if f in have else "NULL" for f in _KEY_FIELDS
            )
            sql = f"SELECT {columns}, count(*) FROM {_from(t)} WHERE problem IS NULL GROUP BY ALL"
            for *values, rows in self.connection.execute(sql).fetchall():
                pairs[tuple(values)] += rows
        names: dict[str, Counter[str]] = defaultdict(Counter)
        ids_of_name: dict[str, set[str]] = defaultdict(set)
        id_keys: dict[str, str] = {}
        for (client_id, client, _holding, _entity), rows in pairs.items():
            key = None
            if client_id is not None:
                key = id_keys.get(client_id) or client_id_key(client_id, inn)
                if key is not None:
                    id_keys[client_id] = key
            if client is not None:
                by_name = name_key(client)
                if key is not None:
                    ids_of_name[by_name].add(key)
                    names[key][clean_name(client)] += rows
                names[f"\0{by_name}"][clean_name(client)] += rows
        shown = {key: _commonest(counter) for key, counter in names.items()}
        self._map_table(
            "map_key_client_id",
            ((raw, key, shown.get(key), key) for raw, key in sorted(id_keys.items())),
            ("raw", "code", "shown", "clean"),
        )
        rows_client = []
        for client in sorted({c for _, c, _, _ in pairs if c is not None}):
            by_name = name_key(client)
            ids = ids_of_name.get(by_name, set())
            key = next(iter(ids)) if len(ids) == 1 else by_name
            rows_client.append((client, key or None, shown.get(key) or shown.get(f"\0{by_name}"), None))
        self._map_table("map_key_client", rows_client, ("raw", "code", "shown", "clean"))
        for at, name in ((2, "holding"), (3, "legal_entity")):
            found: dict[str, Counter[str]] = defaultdict(Counter)
            for values, rows in pairs.items():
                text = values[at]
                if text is not None:
                    found[name_key(text)][clean_name(text)] += rows
            self._map_table(
                f"map_key_{name}",
                ((text, name_key(text), _commonest(found[name_key(text)]), None)
                 for text in sorted({v[at] for v in pairs if v[at] is not None} - {None})),
                ("raw", "code", "shown", "clean"),
            )  # fmt: skip

    # -- canonical rows ------------------------------------------------------------------------------------------

    def _write(self, rules: Sequence[canon.TableRules]) -> None:
        self.say(Text("Привожу строки к единому виду", "Bringing the rows into one form"))
        self.connection.execute("SET preserve_insertion_order = true")
        today = f"DATE '{self.today.isoformat()}'"
        lang = self.settings.report.lang
        with (
            RejectedRows(self.out / "rejected_rows.csv", lang) as rejected,
            pq.ParquetWriter(self.out / "lines.parquet", LINES_SCHEMA, compression="zstd", compression_level=1,
                             store_schema=False) as lines,
        ):  # fmt: skip
            for t, rule in zip(self.tables, rules, strict=True):
                for at in range(0, len(t.staged.spans), _SPANS_AT_ONCE):
                    spans = t.staged.spans[at : at + _SPANS_AT_ONCE]
                    sql = canon.canonical_sql(rule, self.settings, today, (spans[0][0], spans[-1][1]))
                    table = _in_order(self.connection.sql(sql).to_arrow_table())
                    self._take(t, table, lines, rejected)
                assert t.rows_used + t.rows_set_aside == t.staged.rows, (
                    t.name, t.rows_used, t.rows_set_aside, t.staged.rows)  # fmt: skip

    def _take(self, t: _Table, table: pa.Table, lines: pq.ParquetWriter, rejected: RejectedRows) -> None:
        reason = table.column("reason")
        used = table
        if reason.null_count < table.num_rows:
            used = table.filter(pc.is_null(reason))
            self._reject(t, table.filter(pc.is_valid(reason)), rejected)
        t.rows_used += used.num_rows
        if used.num_rows:
            self._count_people(used)
            lines.write_table(used.select(LINES_SCHEMA.names).cast(LINES_SCHEMA), row_group_size=_BATCH_ROWS)

    def _reject(self, t: _Table, table: pa.Table, rejected: RejectedRows) -> None:
        columns = ("source_row", "reject_column", "reject_value", "reason", "read_amount")
        rows = list(zip(*(table.column(c).to_pylist() for c in columns), strict=True))
        t.rows_set_aside += len(rows)
        rejected.write(t.name, (r[:4] for r in rows))
        for _row, _column, value, code, amount in rows:
            counted = self.set_aside[code]
            counted.rows += 1
            if amount is not None:
                counted.revenue += amount
                counted.has_revenue = True
            if counted.example is None and value:
                counted.example = value[:80]

    def _count_people(self, used: pa.Table) -> None:
        for name in canon.PERSON_FIELDS:
            raw = used.column(f"raw_{name}")
            if raw.null_count == len(raw):
                continue
            sums = pa.table([raw, used.column("amount")], names=["p", "a"]).group_by("p").aggregate(
                [("a", "sum"), ("p", "count")]
            )
            for person, revenue, rows in zip(*(sums.column(c).to_pylist() for c in ("p", "a_sum", "p_count")),
                                             strict=True):  # fmt: skip
                if person is not None:
                    entry = self.person_rows.setdefault((name, person), [0, Decimal(0)])
                    entry[0] += rows
                    entry[1] += revenue

    # -- report --------------------------------------------------------------------------------------------------

    def _report(self) -> IntakeReport:
        path = sql_text((self.out / "lines.parquet").as_posix())
        used = sum(t.rows_used for t in self.tables)
        if used == 0:
            raise self._nothing_usable()
        fields = self._fields()
        first, last, revenue, returns = self.connection.execute(
            f"SELECT min(order_date), max(order_date), sum(amount), count(*) FILTER (WHERE amount < 0) "
            f"FROM read_parquet({path})"
        ).fetchall()[0]
        self.counts["returns"] = int(returns)
        self.counts["future_rows"] = self.set_aside["future_date"].rows if "future_date" in self.set_aside else 0
        set_aside = tuple(
            SetAside(code, REASONS[code], c.rows, float(c.revenue) if c.has_revenue else None, c.example)
            for code, c in sorted(self.set_aside.items(), key=lambda item: list(REASONS).index(item[0]))
        )
        aside = sum(t.rows_set_aside for t in self.tables)
        return IntakeReport(
            files=tuple(self._file_use(t) for t in self.tables),
            columns=tuple(c for t in self.tables for c in t.plan.uses),
            fields=fields,
            field_coverage=self._coverage(path, fields),
            rows_read=used + aside, rows_used=used, rows_set_aside=aside,
            set_aside=set_aside, first_date=first, last_date=last, revenue=float(revenue),
            people=self._people(float(revenue)),
            questions=tuple(self.questions), notes=tuple(dict.fromkeys(self.notes)), counts=dict(self.counts),
        )  # fmt: skip

    def _nothing_usable(self) -> InputError:
        aside = sum(t.rows_set_aside for t in self.tables)
        if aside == 0:
            return InputError(
                Text("В файлах нет ни одной строки заказов", "The files hold not one row of orders"),
                where=", ".join(t.name for t in self.tables),
                todo=Text("Проверьте, что выгружены строки, а не только заголовок",
                          "Check that rows were exported and not the header alone"),
            )  # fmt: skip
        top = sorted(self.set_aside.items(), key=lambda item: (-item[1].rows, item[0]))[:3]
        ru = "; ".join(f"{REASONS[code].ru} — {c.rows}" for code, c in top)
        en = "; ".join(f"{REASONS[code].en}: {c.rows}" for code, c in top)
        return InputError(
            Text(f"Ни одну из {aside} строк нельзя использовать: {ru}",
                 f"Not one of {aside} rows can be used: {en}"),
            where=", ".join(t.name for t in self.tables),
            todo=Text("Строки с причинами — в rejected_rows.csv; укажите колонки в [columns] файла audit.toml",
                      "The rows and reasons are in rejected_rows.csv; name the columns in [columns] of audit.toml"),
        )  # fmt: skip

    def _fields(self) -> tuple[str, ...]:
        have = {f for t in self.tables for f in t.staged.fields}
        if "cost" in have:
            have.add("margin")
        if {"qty", "price"} <= have:
            have.add("amount")
        if any(t.grouped for t in self.tables):
            have.add("client")
        have.add("order_date")
        return tuple(f for f in CANONICAL_FIELDS if f in have)

    def _coverage(self, path: str, fields: Sequence[str]) -> dict[str, float]:
        columns = {f: {"client": "client_name", "cost": "margin"}.get(f, f) for f in fields}
        parts = ", ".join(f"sum(abs(amount)) FILTER (WHERE {c} IS NOT NULL)" for c in columns.values())
        row = self.connection.execute(f"SELECT sum(abs(amount)), {parts} FROM read_parquet({path})").fetchall()[0]
        total = float(row[0] or 0)
        if total == 0:
            return dict.fromkeys(fields, 0.0)
        return {f: float(v or 0) / total for f, v in zip(fields, row[1:], strict=True)}

    def _people(self, revenue: float) -> tuple[PersonUse, ...]:
        out = []
        for name in canon.PERSON_FIELDS:
            found = {s: v for (f, s), v in self.person_rows.items() if f == name}
            resolved = {s: self.people_index.resolve(s) for s in found}
            proposed = {p.spelling: p for p in self.people_index.propose(resolved.values())}
            for spelling, (rows, amount) in sorted(found.items(), key=lambda i: (-i[1][1], i[0])):
                p = proposed[resolved[spelling].spelling]
                share = float(amount) / revenue if revenue else 0.0
                person = p.code if p.how in ("known", "system") else None
                out.append(PersonUse(p.spelling, name, person, p.how, rows, share, p.proposal))
        return tuple(out)

    def _file_use(self, t: _Table) -> FileUse:
        r = t.reader
        return FileUse(
            name=t.name, sha256=r.sha256, size_bytes=t.size_bytes, format=r.format, encoding=r.encoding,
            delimiter=r.delimiter, sheet=r.sheet, header_row=t.plan.layout.header_row, rows_read=t.staged.rows,
            rows_used=t.rows_used, rows_set_aside=t.rows_set_aside,
        )  # fmt: skip


def _from(t: _Table) -> str:
    return f"read_parquet({sql_text(t.staged.path.as_posix())})"


def _commonest(names: Counter[str]) -> str:
    """The most frequent spelling; of equally frequent ones the first in the alphabet."""
    return min(names, key=lambda n: (-names[n], n))


def _in_order(table: pa.Table) -> pa.Table:
    """Return the rows in the order of the file; joins do not promise to keep it."""
    rows = table.column("source_row").to_numpy()
    return table if bool((rows[1:] > rows[:-1]).all()) else table.sort_by("source_row")
