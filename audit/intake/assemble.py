"""The stages of reading orders, in order; each method is one stage and leaves its findings for the report."""

from __future__ import annotations

import datetime as dt
import fnmatch
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from audit.errors import AmbiguityError, Answer, InputError, NothingUsableError, Text, did_you_mean
from audit.intake import whose_questionnaire
from audit.intake.addresses import is_address, is_cluster, is_elsewhere
from audit.intake.canonical import (
    Canonical,
    ClientKey,
    Codes,
    Dispatches,
    RejectedRow,
    TableRules,
    Voided,
    lines_writer,
    voided_table,
)
from audit.intake.client_keys import ClientBook
from audit.intake.client_questions import forms_of_one_name, placeholders
from audit.intake.clients import is_rounded
from audit.intake.cluster import open_cluster, shown_cluster
from audit.intake.columns import absent_columns, plan_table
from audit.intake.currency import Known, ask, looks_russian
from audit.intake.databases import open_database, shown_address
from audit.intake.dates import decide_orders, true_dates
from audit.intake.dispatch import CERTAIN, LIKELY, Links, Overlap, document_rows, give_dates
from audit.intake.documents import fits, toml_text
from audit.intake.files import TableReader, find_files, open_tables
from audit.intake.glued import second_header, split
from audit.intake.grouped import GroupRow, group_sums, stage_grouped
from audit.intake.hiding import hide_persons
from audit.intake.numbers import Numbers, decide_marks
from audit.intake.people import Person, PersonIndex
from audit.intake.period import edges, titled
from audit.intake.rejects import REASONS, RejectedRows
from audit.intake.staging import DATE_FIELDS, PERSON_FIELDS, WORD_FIELDS, Staged
from audit.intake.store import Store, parquet
from audit.intake.summary import Tally, known_clients, summarise
from audit.intake.sums import set_sums_aside
from audit.intake.table import Orders, Table
from audit.intake.traps import Found, Head, discounts, files_line, joined, payments
from audit.intake.traps.document_sums import divide, share_in_question
from audit.intake.traps.filled_once import once
from audit.intake.traps.registry import AT_END, AT_HEAD, AT_ORDERS, AT_TABLE, AT_TABLES, SALES_TWICE
from audit.intake.traps.turned_signs import minus_fields
from audit.intake.values import clean_text, date_inside
from audit.intake.words import words
from audit.model.intake_report import (
    SERVICE,
    ControlSum,
    FileUse,
    IntakeReport,
    PersonUse,
    Question,
    SetAside,
    SetAsideRow,
)
from audit.model.orders import field_name
from audit.model.questionnaire import TABLES, Questionnaire
from audit.settings import CANONICAL_FIELDS, Settings

__all__ = ["Intake"]

_CLIENT_SHEETS = {"key_clients": "client_id", "touches": "client_id", "day_log": "client"}
"""Sheets of the questionnaire that name clients, and in which column."""
_SHOWN = 6
_DISPATCHED = Text("это отгрузки тех же заказов", "they dispatch the same orders")
_OWN_SALES = Answer(Text("это отдельные продажи", "these are sales of their own"), "[reading]\ndispatch_files = []")
"""Rows shown per reason, at most half of them from one file."""
_RETURNS = re.compile(r"\bвозврат(?:ы|ов|у|а)?\b|\breturns?\b|\brefunds?\b", re.IGNORECASE)


@dataclass
class _Counted:
    rows: int = 0
    revenue: float = 0.0
    has_revenue: bool = False
    example: str | None = None
    rows_shown: list[SetAsideRow] = field(default_factory=list)


@dataclass
class Intake:
    """One reading of all orders."""

    settings: Settings
    questionnaire: Questionnaire | None
    out: Path
    work: Path
    store: Store
    today: dt.date
    say: Callable[[Text], None]
    tables: list[Table] = field(default_factory=list)
    questions: list[Question] = field(default_factory=list)
    notes: list[Text] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    set_aside: dict[str, _Counted] = field(default_factory=lambda: defaultdict(_Counted))
    people: dict[tuple[str, str], list[float]] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)
    unread: dict[str, tuple[tuple[str, ...], InputError]] = field(default_factory=dict)
    """Files of payments that could not be read: what says that they are, and why not."""

    def run(self, sources: Sequence[str | Path]) -> IntakeReport:
        """Go through all stages and return the report."""
        self.given = self.settings
        self.index = PersonIndex(self.settings, self.questionnaire)
        self._open_and_stage(sources)
        for look in AT_TABLES:
            self._heed(look(self._orders(), self.given))
        self._map_words()
        self._map_people()
        self.hide = self._without_names()
        self._map_clients()
        rules = self._rules()
        for t, rule in zip(self.tables, rules, strict=True):
            t.subtotals = group_sums(
                t.staged, t.groups, t.plan.grouping, rule.marks.get("amount"), t.name, self.settings.report.lang
            )
        self._sort_out_dispatch()
        self._write(rules)
        links = self._link_dispatch(rules)
        self._count_once(rules)
        self.questions = [
            replace(q, share=share_in_question(q, self._orders())) if q.kind == "document_sums" else q
            for q in self.questions
        ]
        self._check_corrections()
        if links is not None:
            self._date_orders(rules, *links)
        return self._report()

    # -- traps ---------------------------------------------------------------------------------------------------

    def _orders(self) -> Orders:
        return Orders(self.tables, self.store, self.out / "lines.parquet", self.tally)

    def _look_at_head(self, head: Head) -> None:
        for look in AT_HEAD:
            self._heed(look(head, self.given))

    def _heed(self, found: Found) -> None:
        """Keep what a trap found; an answer taken for granted until it is denied becomes a setting.

        Traps see the settings as they were given: an answer taken for one file settles nothing for the next.
        """
        if isinstance(found, Question):
            same = next((i for i, q in enumerate(self.questions) if joined(q, found) is not None), None)
            if same is None:
                self.questions.append(found)
            else:
                self.questions[same] = joined(self.questions[same], found) or found
            if found.taken:
                self.settings = self.settings.answered(found.answer)
        elif found is not None:
            self.notes.append(found)

    # -- files and columns ---------------------------------------------------------------------------------------

    def _open_and_stage(self, sources: Sequence[str | Path]) -> None:
        stray: list[InputError] = []
        elsewhere = [s for s in sources if isinstance(s, str) and is_elsewhere(s)]
        paths = [s for s in sources if s not in elsewhere]
        for file in find_files(paths) if paths or not elsewhere else []:
            self.say(Text(f"Читаю {file.name}", f"Reading {file.name}"))
            for reader in open_tables(file, self.settings, self.work, stray):
                self._stage(reader, file.path.stat().st_size)
        for address in filter(is_address, elsewhere):
            self.say(Text(f"Читаю {shown_address(address)}", f"Reading {shown_address(address)}"))
            self._stage(open_database(address), 0)
        for source, name in shown_cluster([s for s in elsewhere if is_cluster(s)]):
            self.say(Text(f"Кластер читает {name}", f"The cluster reads {name}"))
            table = open_cluster(source, self.settings, name)
            self._stage(table, table.size_bytes)
        self._say_unread_payments()
        if stray and not self.tables:
            raise stray[0]
        if stray:
            names = ", ".join(str(error.where) for error in stray)
            self.notes.append(Text(f"Не таблицы, не прочитаны: {names}", f"No tables, not read: {names}"))
        absent = absent_columns([t.plan for t in self.tables])
        if absent is not None:
            raise absent
        self.tables.sort(key=lambda t: t.name)

    def _say_unread_payments(self) -> None:
        """Files of payments whose columns are not known do not stop the reading of the orders beside them."""
        if self.unread and not self.tables:
            words, error = next(iter(self.unread.values()))
            raise payments.alone(error, words)
        asked = self.given.reading.payment_files or ()
        named = [name for name in self.unread if fits(name, None, asked)]
        if named:
            listed = ", ".join(named)
            self.notes.append(
                Text(f"{listed}: оплаты, а не продажи; не прочитаны", f"{listed}: payments and no sales; not read")
            )
        if len(named) < len(self.unread):
            self.questions.append(
                payments.unread({name: words for name, (words, _) in self.unread.items() if name not in named})
            )

    def _stage(self, reader: TableReader, size: int) -> None:
        rows = [cells for _, cells in reader.head()]
        paid = payments.said_so(reader.name, reader.sheet, rows) if self.given.reading.payment_files != () else ()
        try:
            plan = plan_table(reader, self.settings, self._known_person, self._look_at_head)
        except InputError as error:
            if not paid:
                raise
            self.unread[reader.name] = (paid, error)
            return
        own = getattr(reader, "sent", None) or getattr(reader, "path", None)
        size = own.stat().st_size if isinstance(own, Path) else size
        path = self.work / f"staged_{len(self.tables)}.arrow"
        russian = looks_russian(rows[:100], plan.layout.headers)
        groups: tuple[GroupRow, ...] = ()
        if plan.grouping is not None:
            every, outline = reader.every_row(), reader.outline()
            staged, groups = stage_grouped(every, plan.grouping, dict(plan.keep), outline, path, self.store)
        else:
            staged = reader.stage(plan.layout, plan.keep, path, self.store)
            cut = second_header(reader, plan.layout, staged)
            if cut is not None:
                for part in split(reader, cut):
                    self._stage(part, size)
                return
        self.questions.extend(plan.questions)
        self.notes.extend(plan.notes)
        self.notes.extend(getattr(reader, "notes", []))
        table = Table(
            reader,
            plan,
            staged,
            size,
            groups=groups,
            of_payments=bool(paid) and payments.certain(rows, plan.labels),
            russian=russian,
        )
        self.tables.append(table)
        self.notes.extend(set_sums_aside(table, self.given, self.store))
        for look in AT_TABLE:
            self._heed(look(table, self.given))

    # -- rules ---------------------------------------------------------------------------------------------------

    def _rules(self) -> list[TableRules]:
        reading = self.settings.reading
        dates = decide_orders(
            {t.name: self._date_texts(t.staged) for t in self.tables},
            reading,
            {t.name: t.plan.labels.get("order_date", "") for t in self.tables},
        )
        swapped, inverted = self._swapped_dates(), self._inverted()
        marks = decide_marks(
            {t.name: t.staged.numbers for t in self.tables}, {t.name: t.staged.typed for t in self.tables}, reading
        )
        pct = [t.staged.numbers["shipped_pct"] for t in self.tables if "shipped_pct" in t.staged.numbers]
        # Shares or percent: one value above 1.5, or a percent sign, in any file makes the column percent.
        scale = 100 if any(e.largest > 1.5 or e.percent for e in pct) else 1
        fixes = {(f.field, f.order_id, f.was): f.becomes for f in self.settings.corrections.fix}
        currency = self._currency_chosen = self._currency()
        computed = self._named("computed_amounts", self.settings.reading.computed_amounts or ())
        filled = self._named("fill_down", self.settings.reading.fill_down or ())
        divided = self._named("document_sums", self.settings.reading.document_sums or ())
        out = []
        for t in self.tables:
            t.all_returns = not t.plan.declared and self._is_returns_file(t)
            inn = t.plan.client_id_is_inn

            def client(a: str | None, b: str | None, c: str | None, d: str | None, inn: bool = inn) -> ClientKey:
                return self.book.key(a, b, c, d, inn)

            out.append(
                TableRules(
                    name=t.name,
                    staged=t.staged,
                    labels=t.plan.labels,
                    dates=dates[t.name],
                    marks=marks[t.name],
                    codes=self.codes,
                    clients=client,
                    pct_scale=scale,
                    scale=t.plan.scale,
                    discount=discounts.way(t, self.given),
                    all_returns=t.all_returns,
                    currency=currency,
                    computed=t in computed,
                    filled=once(t.staged, strict=False) if t in filled else None,
                    fixes=fixes,
                    dated_by=t.plan.dated_by,
                    swapped=swapped.get(t.name, frozenset()),
                    inverted=inverted.get(t.name, frozenset()),
                )
            )
            if t in divided:
                self._divide(t, out[-1])
        return out

    def _divide(self, t: Table, rule: TableRules) -> None:
        """Divide sums of whole documents over their lines."""
        canonical = Canonical(rule, self.settings, Numbers(self.store), self.today, Tally())
        rule.divided = divide(canonical.documents(batch) for batch in t.staged.batches())
        self.notes.append(
            Text(
                f"{t.name}: в столбце «{t.plan.labels['amount']}» сумма всего документа повторена в каждой его строке; она "
                "учтена один раз и разделена по строкам",
                f"{t.name}: column “{t.plan.labels['amount']}” repeats the sum of the whole document on each of its lines; it "
                "was counted once and divided over them",
            )
        )

    @staticmethod
    def _date_texts(staged: Staged) -> list[str]:
        texts = [text for name in DATE_FIELDS if name in staged.distinct for text in staged.distinct[name]]
        if staged.has("order_id") and not staged.has("order_date"):
            for batch in staged.batches():
                inside = (date_inside(t) for t in batch.column("order_id").unique().to_pylist() if t)
                texts.extend({t for t in inside if t})
        return texts

    def _named(self, setting: str, patterns: Sequence[str]) -> list[Table]:
        """The tables that a setting names; raise where it names none of them."""
        found = [t for t in self.tables if fits(t.name, t.reader.sheet, patterns)]
        if patterns and not found:
            hint = did_you_mean(patterns[0], (t.name for t in self.tables))
            raise InputError(
                Text(f"Ни один файл не подходит под [reading] {setting}", f"No file fits [reading] {setting}"),
                where=", ".join(t.name for t in self.tables),
                todo=Text(f"Исправьте шаблон имени: {hint.ru}", f"Correct the pattern: {hint.en}"),
            )
        return found

    def _swapped_dates(self) -> dict[str, frozenset[str]]:
        """File → the date fields in which day and month are put back, by the settings."""
        asked = self.settings.reading.swapped_dates or ()
        out: dict[str, frozenset[str]] = {}
        for t in self._named("swapped_dates", asked):
            cells = {f: true_dates(t.staged.distinct[f]) for f in DATE_FIELDS if f in t.staged.distinct}
            fields = {f: n for f, n in cells.items() if n}
            out[t.name] = frozenset(fields)
            headers = ", ".join(f"«{t.plan.labels.get(f, '')}»" for f in fields) or "—"
            self.notes.append(
                Text(
                    f"{t.name}: день и месяц поменяны местами в столбцах {headers}, ячеек: {sum(fields.values())}",
                    f"{t.name}: day and month were swapped back in columns {headers}, cells: {sum(fields.values())}",
                )
            )
        return out

    def _inverted(self) -> dict[str, frozenset[str]]:
        """File → the number fields whose sign is turned, by the settings."""
        asked = self.settings.reading.negative_files or ()
        out = {t.name: minus_fields(t.staged) for t in self._named("negative_files", asked)}
        for name in out:
            self.notes.append(
                Text(
                    f"{name}: продажи записаны с минусом, знак сумм изменён на обратный",
                    f"{name}: sales stand with a minus, the sign of the amounts was turned",
                )
            )
        return out

    def _is_returns_file(self, t: Table) -> bool:
        """Whether a file of positive amounts is returns, by the settings or by its name, sheet or title."""
        if t.staged.has("kind"):
            return False
        asked = self.settings.reading.return_files
        if asked is not None:
            return any(fnmatch.fnmatch(t.name.lower(), pattern.lower()) for pattern in asked)
        amounts = t.staged.numbers.get("amount") or t.staged.numbers.get("qty")
        title = " ".join(c for _, cells in t.plan.preamble[:3] for c in cells if c)
        said = any(_RETURNS.search(text) for text in (t.reader.sheet or "", title))
        if amounts is None or amounts.negative or not (said or _RETURNS.search(t.name)):
            return False
        if not said and not self._clients_elsewhere(t):
            self.questions.append(
                Question(
                    Text(
                        f"По имени файл {t.name} похож на возвраты, но больше ничего об этом не говорит: он прочитан как продажи",
                        f"By its name file {t.name} may hold returns, and nothing else says so: it was read as sales",
                    ),
                    files_line("return_files", [t.name]),
                    (Answer(Text("это продажи", "these are sales"), files_line("return_files", [])),),
                    means=Text("это возвраты", "these are returns"),
                    kind="return_files",
                )
            )
            return False
        self.questions.append(
            Question(
                Text(
                    f"Файл {t.name} прочитан как возвраты: его суммы вычтены из выручки. Если это продажи, запретите это",
                    f"File {t.name} was read as returns: its amounts reduce revenue. If these are sales, forbid it",
                ),
                files_line("return_files", []),
                (Answer(Text("это возвраты", "these are returns"), files_line("return_files", [t.name])),),
                means=Text("это продажи", "these are sales"),
                kind="return_files",
            )
        )
        return True

    def _clients_elsewhere(self, t: Table) -> bool:
        """Whether most rows of a table are of clients that another table has: who returns has bought before."""
        if len(self.tables) == 1:
            return True
        others = {
            key for o in self.tables if o is not t for combination in o.staged.clients for key in combination if key
        }
        known = sum(
            n for combination, n in t.staged.clients.items() if any(key in others for key in combination if key)
        )
        return known >= 0.8 * t.staged.clients.total() > 0

    def _said_currency(self) -> tuple[str | None, Literal["settings", "questionnaire"]]:
        """The currency that the settings name, else the questionnaire."""
        if self.settings.company.currency is not None:
            return self.settings.company.currency, "settings"
        given = None if self.questionnaire is None else self.questionnaire.company.get("currency")
        return words().currency.code(str(given)) if given else None, "questionnaire"

    def _currency(self) -> str | None:
        """The one currency of the audit when the files hold several; a question then."""
        found: Counter[str] = Counter()
        for t in self.tables:
            for text, rows in t.staged.distinct.get("currency", Counter()).items():
                code = self.codes["currency"].code(text)
                if code >= 0:
                    found[self.codes["currency"].values[code]] += rows
            if not t.staged.has("currency") and "amount" in t.staged.numbers:
                for mark, rows in t.staged.numbers["amount"].currencies.items():
                    found[self.codes["currency"].values[self.codes["currency"].code(mark)]] += rows
        asked, source = self._said_currency()
        named = ask(found, asked, source, self.tables)
        self.currency = Known("", "unknown") if isinstance(named, Question) else named
        self._heed(named if isinstance(named, Question) else named.note)
        if not found or (len(found) == 1 and (asked is None or asked in found)):
            return None
        chosen = asked or min(found, key=lambda c: (-found[c], c))
        listed = ", ".join(f"{c} — {found[c]}" for c in sorted(found, key=lambda c: (-found[c], c)))
        said = Text(
            f"Суммы в нескольких валютах (строк: {listed}); использованы только строки в {chosen}",
            f"Amounts are in several currencies (rows: {listed}); only rows in {chosen} were used",
        )
        if asked is None:
            others = tuple(
                Answer(Text(f"суммы в {c}", f"the sums in {c}"), f'[company]\ncurrency = "{c}"')
                for c in sorted(found, key=lambda c: (-found[c], c))
                if c != chosen
            )
            means = Text(f"суммы в {chosen}", f"the sums in {chosen}")
            asked_for = f'[company]\ncurrency = "{chosen}"'
            self.questions.append(Question(said, asked_for, others, kind="currencies", means=means))
        else:
            self.notes.append(said)
        return chosen

    # -- words, persons, clients ---------------------------------------------------------------------------------

    def _distinct(self, name: str) -> Counter[str]:
        found: Counter[str] = Counter()
        for t in self.tables:
            found.update(t.staged.distinct.get(name, Counter()))
        return found

    def _map_words(self) -> None:
        known = words()
        cancelled = {" ".join(c.lower().split()) for c in self.settings.reading.cancelled}

        def through(read: Callable[[str], str | None]) -> Codes:
            return Codes(lambda text: None if (value := clean_text(text)) is None else read(value))

        def status(text: str) -> str | None:
            return "cancelled" if " ".join(text.lower().split()) in cancelled else known.status.code(text)

        def currency(text: str) -> str | None:
            return known.currency.code(text) or text.upper()

        self.codes: dict[str, Codes] = {
            "status": through(status),
            "kind": through(known.kind.code),
            "initiator": through(known.initiator.code),
            "currency": through(currency),
        }
        for name in WORD_FIELDS:
            strange = Counter(
                {
                    value: rows
                    for text, rows in self._distinct(name).items()
                    if (value := clean_text(text)) is not None and self.codes[name].code(text) < 0
                }
            )
            if strange:
                self._note_strange(name, strange)

    def _note_strange(self, name: str, strange: Counter[str]) -> None:
        top = sorted(strange, key=lambda s: (-strange[s], s))[:8]
        shown = "; ".join(f"«{s}» ({strange[s]})" for s in top) + (" …" if len(strange) > 8 else "")
        label = field_name(name)
        self.notes.append(
            Text(
                f"Поле «{label.ru}»: значения не распознаны (строк) — {shown}",
                f"Field “{label.en}”: values not recognised (rows): {shown}",
            )
        )

    def _known_person(self, text: str) -> bool:
        return self.index.resolve(text).how in ("known", "system")

    def _map_people(self) -> None:
        def person(text: str) -> str | None:
            value = clean_text(text)
            return None if value is None or self.index.is_nobody(value) else self.index.resolve(value).code

        for name in PERSON_FIELDS:
            self.codes[name] = Codes(person)

    def _note_rounded(self) -> None:
        """Excel shows a long number as «7,70708E+09» and saves it so: the number itself is lost."""
        for t in self.tables:
            rounded: Counter[str] = Counter()
            for (text, _, _, _), n in t.staged.clients.items():
                if text and is_rounded(text):
                    rounded[text] += n
            if rounded:
                header, rows = t.plan.labels.get("client_id", ""), rounded.total()
                shown = min(rounded, key=lambda text: (-rounded[text], text))
                self.notes.append(
                    Text(
                        f"{t.name}: в столбце «{header}» Excel округлил номера (например, «{shown}», строк: {rows}): по ним "
                        "клиентов не различить, взято название. Выгрузите файл заново, не пересохраняя в Excel",
                        f"{t.name}: Excel rounded the numbers in column “{header}” (for example “{shown}”, rows: {rows}): "
                        "clients cannot be told apart by them, their names were taken. Export again, without saving in Excel",
                    )
                )

    def _map_clients(self) -> None:
        self._note_rounded()
        together = self.settings.reading.legal_forms == "together"
        self.book = ClientBook(self.settings.level.client, self.settings.corrections.merge, together=together)
        for t in self.tables:
            self.book.add(t.staged.clients.items(), t.plan.client_id_is_inn)
        self.book.close()
        self._heed(placeholders(self.book.placeholders))
        self._heed(forms_of_one_name(self.book.apart, self.settings))

    # -- canonical rows ------------------------------------------------------------------------------------------

    def _write(self, rules: Sequence[TableRules]) -> None:
        self.say(Text("Привожу строки к единому виду", "Bringing the rows into one form"))
        numbers = Numbers(self.store)
        with (
            RejectedRows(self.out / "rejected_rows.csv", self.settings.report.lang) as rejected,
            lines_writer(self.out / "lines.parquet") as lines,
            ThreadPoolExecutor(1, thread_name_prefix="intake-write") as pool,
        ):
            busy: Future[None] | None = None
            voided: list[Voided] = []
            self.merged: dict[str, list[float]] = {}
            self.fixed: dict[tuple[str, str, str], float] = {}
            for t, rule in zip(self.tables, rules, strict=True):
                if t.dispatch:
                    continue  # its rows are set aside once the orders are known
                canonical = Canonical(rule, self.settings, numbers, self.today, self.tally)
                for batch in t.staged.batches():
                    used, rejects = canonical.apply(batch)
                    if rejects:
                        self._reject(t, rejects, rejected)
                    if used is not None:
                        t.rows_used += used.num_rows
                        if busy is not None:
                            busy.result()
                        busy = pool.submit(lines.write_table, used, row_group_size=used.num_rows)
                assert t.rows_used + t.rows_set_aside == t.staged.rows, (
                    t.name,
                    t.rows_used,
                    t.rows_set_aside,
                    t.staged.rows,
                )
                voided.extend(canonical.voided)
                t.totals = [(row, self.hide("total_row", label) or "", money) for row, label, money in canonical.totals]
                _add(self.people, canonical.people)
                _add(self.merged, canonical.merged)
                for key, (n,) in canonical.fixed.items():
                    self.fixed[key] = self.fixed.get(key, 0) + n
                if canonical.negative_quantities:
                    self._note_negative(t, canonical.negative_quantities)
                if canonical.derived_amounts:
                    self._note_derived(t, canonical.derived_amounts)
                for name, cells in canonical.unread_dates.items():
                    self._note_unread_dates(t, name, cells)
                if canonical.rounded_numbers:
                    self._note_rounded_numbers(t, canonical.rounded_numbers)
            if busy is not None:
                busy.result()
        self.store.keep("voided", voided_table(voided))

    def _without_names(self) -> Callable[[str, str | None], str | None]:
        """What the values of rows set aside pass through: persons' names only where the report shows them."""
        if self.settings.report.names:
            return lambda _, value: value
        spelt = {clean_text(s) or "" for name in PERSON_FIELDS for s in self._distinct(name)}

        def code(spelling: str) -> str:
            person = self.index.resolve(spelling)
            return person.code if person.how in ("known", "system") else "…"

        return hide_persons(spelt, code)

    def _reject(self, t: Table, rejects: Sequence[RejectedRow], file: RejectedRows) -> None:
        rejects = [(row, column, self.hide(why, value), why, money) for row, column, value, why, money in rejects]
        file.write(t.name, (r[:4] for r in rejects))
        t.rows_set_aside += len(rejects)
        t.rows_service += sum(r[3] in SERVICE for r in rejects)
        for row, column, value, code, amount in rejects:
            counted = self.set_aside[code]
            counted.rows += 1
            if t.shown.get(code, 0) < _SHOWN // 2 and len(counted.rows_shown) < _SHOWN:
                t.shown[code] = t.shown.get(code, 0) + 1
                counted.rows_shown.append(SetAsideRow(t.name, row, column, None if value is None else value[:200]))
            if amount is not None:
                counted.revenue += amount
                counted.has_revenue = True
                t.revenue_aside += amount
            if counted.example is None and value:
                counted.example = value[:80]

    def _note_negative(self, t: Table, rows: int) -> None:
        self.notes.append(
            Text(
                f"{t.name}: количество с минусом при сумме без минуса — возвраты, строк: {rows}",
                f"{t.name}: a quantity below zero beside an amount above it is a return, rows: {rows}",
            )
        )

    def _note_derived(self, t: Table, rows: int) -> None:
        less = discounts.way(t, self.given) == "percent"
        qty, price = (t.plan.labels.get(f, "…") for f in ("qty", "price"))
        factor = t.plan.scale.get("product")
        per = "" if factor is None else f" / {1 / factor:f}" if factor < 1 else f" × {factor:f}"
        self.notes.append(
            Text(
                f"{t.name}: сумма посчитана как «{qty}» × «{price}»{' × (1 − скидка)' * less}{per} (строк: {rows})",
                f"{t.name}: the amount was computed as “{qty}” × “{price}”{' × (1 − discount)' * less}{per} (rows: {rows})",
            )
        )

    def _note_unread_dates(self, t: Table, name: str, cells: Counter[str]) -> None:
        header, rows = t.plan.labels.get(name, ""), cells.total()
        shown = min(cells, key=lambda text: (-cells[text], text)).strip()[:60]
        self.notes.append(
            Text(
                f"{t.name}: в столбце «{header}» не даты, прочитаны как пустые, строк: {rows} (например, «{shown}»)",
                f"{t.name}: cells of column “{header}” that hold no date were read as empty, rows: {rows} (for example “{shown}”)",
            )
        )

    def _note_rounded_numbers(self, t: Table, rounded: Counter[str]) -> None:
        header, rows = t.plan.labels.get("order_id", ""), rounded.total()
        shown = min(rounded, key=lambda text: (-rounded[text], text))
        self.notes.append(
            Text(
                f"{t.name}: в столбце «{header}» Excel округлил номера документов (например, «{shown}», строк: {rows}): они не "
                "взяты, разные заказы по ним не различить. Выгрузите файл заново, не пересохраняя в Excel",
                f"{t.name}: Excel rounded the document numbers in column “{header}” (for example “{shown}”, rows: {rows}): they "
                "were not taken, orders cannot be told apart by them. Export again, without saving in Excel",
            )
        )

    def _check_corrections(self) -> None:
        """A declared correction whose source no longer holds what it expects is an error, not a silent no-op."""
        for merge in self.settings.corrections.merge:
            rows, revenue = self.merged.get(self.book.merge_key(merge), (0.0, 0.0))
            label = f"[corrections] merge «{merge.client}» → «{merge.into}»"
            _expect(label, merge.expect.rows, int(rows), merge.expect.revenue, float(revenue))
            self.notes.append(
                Text(
                    f"Объединены клиенты: «{merge.client}» учтён как «{merge.into}» (строк: {int(rows)}) — {merge.reason}",
                    f"Clients merged: “{merge.client}” counts as “{merge.into}” (rows: {int(rows)}): {merge.reason}",
                )
            )
        for fix in self.settings.corrections.fix:
            n = int(self.fixed.get((fix.field, fix.order_id, fix.was), 0))
            shown = self.settings.report.names or fix.field not in PERSON_FIELDS
            was, becomes = (fix.was, fix.becomes) if shown else ("…", "…")
            label = f"[corrections] fix {fix.order_id}, {fix.field}"
            _expect(label, fix.expect.rows, n, None, 0.0)
            self.notes.append(
                Text(
                    f"Исправлено: заказ {fix.order_id}, {field_name(fix.field).ru}: «{was}» → «{becomes}»"
                    f" (строк: {n}) — {fix.reason}",
                    f"Corrected: order {fix.order_id}, {field_name(fix.field).en}: “{was}” → “{becomes}”"
                    f" (rows: {n}): {fix.reason}",
                )
            )

    def _count_once(self, rules: Sequence[TableRules]) -> None:
        """Sales that stand twice are asked about, and counted once where the settings say so."""
        if not any(t.rows_used for t in self.tables):
            return
        for trap in SALES_TWICE:
            self._heed(trap.look(self._orders(), self.settings))
            again = trap.again(self._orders(), self.settings)
            if again is None:
                continue
            for rule in rules:
                rule.again = {**rule.again, again.reason: again.rows.get(rule.name, frozenset())}
            self.notes.append(again.note)
            self._begin_again()
            self._write(rules)
        for look in AT_END:
            found = look(self._orders(), self.settings)
            if found is None:
                continue
            self._heed(found)
            self._begin_again()
            self._write(rules)

    def _begin_again(self) -> None:
        for t in self.tables:
            t.rows_used = t.rows_set_aside = t.rows_service = 0
            t.shown.clear()
            t.revenue_aside = 0.0
        self.set_aside.clear()
        self.tally = Tally()
        self.people.clear()

    # -- dispatch documents --------------------------------------------------------------------------------------

    def _sort_out_dispatch(self) -> None:
        """Settle what needs no look at the rows: tables named in the settings, and those that cannot be sales."""
        asked = self.settings.reading.dispatch_files
        found = self._dispatch_tables()
        if asked and not any(t.plan.declared for t in found):
            names = ", ".join(t.name for t in self.tables)
            raise InputError(
                Text("Ни один файл не подходит под [reading] dispatch_files", "No file fits [reading] dispatch_files"),
                where=names,
                todo=Text(
                    f"Исправьте шаблон имени: {did_you_mean(asked[0], (t.name for t in self.tables)).ru}",
                    f"Correct the pattern: {did_you_mean(asked[0], (t.name for t in self.tables)).en}",
                ),
            )
        for t in self.tables:
            if t.plan.no_sales is not None and t not in found:
                raise t.plan.no_sales
        if not self._orders_beside():
            if asked:
                raise InputError(
                    Text(
                        "Все файлы названы документами отгрузки: заказов, которым они дали бы даты, нет",
                        "Every file is named as dispatch documents: there are no orders for them to date",
                    ),
                    where="audit.toml, [reading] dispatch_files",
                    todo=Text(
                        "Добавьте файл заказов; если отгрузки и есть продажи: dispatch_files = []",
                        "Add the file of orders; if the dispatches are the sales: dispatch_files = []",
                    ),
                )
            for t in found:
                if t.plan.no_sales is not None:
                    raise t.plan.no_sales
            return
        for t in found:
            t.dispatch = t.plan.declared or t.plan.no_sales is not None

    def _dispatch_tables(self) -> list[Table]:
        """The tables that the settings name as dispatch documents; where they name none, those that look like it."""
        asked = self.settings.reading.dispatch_files is not None
        seen = [t for t in self.tables if t.plan.document == "dispatch" and not t.all_returns]
        return [t for t in seen if t.plan.declared or not asked]

    def _orders_beside(self) -> list[Table]:
        """The tables whose rows may be the orders of the dispatch documents."""
        found = self._dispatch_tables()
        return [t for t in self.tables if t not in found and not t.all_returns]

    def _link_dispatch(self, rules: Sequence[TableRules]) -> tuple[Links, dict[str, list[Dispatches]]] | None:
        """Tie dispatch documents to the orders; ask where the settings do not say what they are.

        Files not settled stay in as sales unless most of their money is certainly among the orders already.
        """
        found = self._dispatch_tables()
        orders = self._orders_beside()
        if not found or not any(t.rows_used for t in orders):
            return None
        self.say(Text("Сопоставляю отгрузки с заказами", "Matching dispatches with orders"))
        links = Links(self.store, self.out / "lines.parquet", [t.name for t in orders])
        read: dict[str, list[Dispatches]] = {}
        for t, rule in zip(self.tables, rules, strict=True):
            if t in found:
                canonical = Canonical(rule, self.settings, Numbers(self.store), self.today, Tally())
                read[t.name] = []
                for batch in t.staged.batches():
                    dispatches = canonical.dispatches(batch)
                    links.add(document_rows(t.name, dispatches, rule.dates))
                    read[t.name].append(dispatches.verdict())
        links.match()
        again = self._ask_about_dispatch([t for t in found if not t.plan.declared], links, orders)
        for t in found:
            if not t.dispatch:
                links.drop(t.name)
        if again:
            self._begin_again()
            self._write(rules)
        return (links, read) if any(t.dispatch for t in found) else None

    def _ask_about_dispatch(self, found: Sequence[Table], links: Links, orders: Sequence[Table]) -> bool:
        """Ask what the files of dispatch documents are; whether some were written as sales and must not have been."""
        named = any(o.plan.document == "order" for o in orders)
        overlaps: dict[str, Overlap] = {}
        for t in found:
            overlap = links.overlap(t.name)
            if named or overlap.share >= LIKELY:
                overlaps[t.name] = overlap
            elif t.plan.no_sales is not None:
                raise t.plan.no_sales
        if not overlaps:
            return False
        names = ", ".join(f'"{toml_text(name)}"' for name in overlaps)
        answer = f"[reading]\ndispatch_files = [{names}]"
        beside = ", ".join(o.name for o in orders if not named or o.plan.document == "order")
        shown = [(name, f"{100.0 * o.share:.0f}") for name, o in overlaps.items()]
        what = Text(
            f"Рядом с заказами ({beside}) лежат документы отгрузки; по номеру заказа или по клиенту и сумме в заказах уже есть "
            + ", ".join(f"{percent} % суммы {name}" for name, percent in shown),
            f"Dispatch documents stand beside orders ({beside}); by order number, or by client and amount, the orders already "
            "hold " + ", ".join(f"{percent} % of the money of {name}" for name, percent in shown),
        )
        certain = [t for t in found if t.name in overlaps and overlaps[t.name].share >= CERTAIN]
        both = [t for t in found if t.name in overlaps and t not in certain]
        for t in both:
            if t.plan.no_sales is not None:
                raise AmbiguityError(
                    what,
                    where=t.name,
                    answer=answer,
                    means=_DISPATCHED,
                    others=(_OWN_SALES,),
                    todo=Text(
                        f"Добавьте в audit.toml, раздел [reading]: {answer.splitlines()[1]} — или [], если это "
                        "отдельные продажи",
                        f"Add to audit.toml, section [reading]: {answer.splitlines()[1]} — or [] if these are sales "
                        "of their own",
                    ),
                )
        ru, en = what.ru, what.en
        if certain:
            names = ", ".join(t.name for t in certain)
            ru += f". Продажами не посчитаны: {names}"
            en += f". Not counted as sales: {names}"
        if any(overlaps[t.name].linked == 0 for t in certain):
            ru += ". Дат отгрузки не будет: документы не называют заказ, выгрузите их со столбцом «Заказ»"
            en += ". There will be no ship dates: the documents do not name their orders, export them with that column"
        if both:
            names = ", ".join(t.name for t in both)
            ru += f". Пока посчитано и то и другое, выручка может быть удвоена: {names}"
            en += f". Both are counted now, and revenue may be double: {names}"
        self.questions.append(
            Question(
                Text(
                    f"{ru}. Если это отгрузки тех же заказов, добавьте строку; если отдельные продажи — dispatch_files = []",
                    f"{en}. If they dispatch the same orders, add the line; if they are sales of their own: "
                    "dispatch_files = []",
                ),
                answer,
                (_OWN_SALES,),
                means=_DISPATCHED,
            )
        )
        written = any(not t.dispatch for t in certain)
        for t in certain:
            t.dispatch = True
        return written

    def _date_orders(self, rules: Sequence[TableRules], links: Links, read: Mapping[str, list[Dispatches]]) -> None:
        """Set the rows of the dispatch documents aside, and give the orders the day and share that they tell."""
        with RejectedRows(self.out / "rejected_rows.csv", self.settings.report.lang, append=True) as rejected:
            for t, rule in zip(self.tables, rules, strict=True):
                if not t.dispatch:
                    continue
                canonical = Canonical(rule, self.settings, Numbers(self.store), self.today, Tally())
                linked = links.linked_rows(t.name)
                for batch, dispatches in zip(t.staged.batches(), read[t.name], strict=True):
                    self._reject(t, canonical.dispatch_rejects(batch, dispatches, linked), rejected)
                    mine = (dispatches.reason == 0) & dispatches.has_amount
                    t.revenue_aside += float(dispatches.amount[mine].sum()) / 10_000.0
                t.totals = [(row, self.hide("total_row", label) or "", money) for row, label, money in canonical.totals]
                assert t.rows_set_aside == t.staged.rows, (t.name, t.rows_set_aside, t.staged.rows)
        orders = [t for t in self.tables if not t.dispatch and t.rows_used]
        shares = self._shares_told(links)
        own = any(t.staged.has("shipped_date") for t in orders)
        covered = give_dates(self.out / "lines.parquet", {t.name: links.shipped(t.name) for t in orders}, shares=shares)
        self.tally.covered["shipped_date"] = covered.dated
        if shares:
            self.tally.covered["shipped_pct"] = covered.shared
        dated, every = links.orders()
        orphans = links.orphans()
        self.counts |= {"dispatched_orders": dated, "dispatches_without_order": orphans}
        files = ", ".join(t.name for t in self.tables if t.dispatch)
        kept = (
            Text(" (своя дата отгрузки заказа оставлена)", " (an order's own ship date was kept)")
            if own
            else Text("", "")
        )
        self.notes.append(
            Text(
                f"{files}: документы отгрузки дали дату {dated} заказам из {every}{kept.ru}; документов, чей заказ не найден: "
                f"{orphans}",
                f"{files}: dispatch documents dated {dated} of {every} orders{kept.en}; documents whose order was not found: "
                f"{orphans}",
            )
        )

        late = links.late_start()
        if late is not None:
            self.notes.append(
                Text(
                    f"Документы отгрузки начинаются с {late[1]:%d.%m.%Y}, а заказы — с {late[0]:%d.%m.%Y}: у более ранних заказов "
                    "даты отгрузки нет, и они выглядят не отгруженными. Попросите отгрузки за тот же период",
                    f"Dispatch documents begin on {late[1]}, orders on {late[0]}: earlier orders have no ship date and look as if "
                    "never shipped. Ask for dispatches of the same period",
                )
            )

    def _shares_told(self, links: Links) -> bool:
        """Whether the dispatched amounts tell what part of an order was shipped."""
        orders = [t for t in self.tables if not t.dispatch and t.rows_used]
        sent = [t for t in self.tables if t.dispatch]
        if any(t.staged.has("shipped_pct") for t in orders):
            return False
        if not all(t.staged.has("amount") or (t.staged.has("qty") and t.staged.has("price")) for t in sent):
            return False
        usual = links.usual_share()
        bases = {t.plan.vat for t in (*orders, *sent)} - {None}
        taxed = usual is not None and any(
            abs(usual / r - 1) < 0.003 for tax in (1.05, 1.1, 1.2, 1.22) for r in (tax, 1 / tax)
        )
        if usual is None:
            return False
        if self._currency_chosen is not None or len(bases) > 1 or taxed:
            self.notes.append(
                Text(
                    "Доля отгрузки заказов не посчитана: суммы заказов и отгрузок несравнимы (НДС или валюта)",
                    "The dispatched share of orders was not computed: amounts of orders and dispatches do not compare (VAT or "
                    "currency)",
                )
            )
            return False
        return True

    # -- report --------------------------------------------------------------------------------------------------

    def _report(self) -> IntakeReport:
        if not any(t.rows_used for t in self.tables):
            raise self._nothing_usable()
        for look in AT_ORDERS:
            self._heed(look(self._orders(), self.given))
        self._look_for_clients()
        fields = self._fields()
        lines = self.out / "lines.parquet"
        summary = summarise(self.store, lines, self.tally, fields, self.book.shown, self.settings)
        self.counts |= summary.counts
        self.counts["future_rows"] = self.set_aside["future_date"].rows if "future_date" in self.set_aside else 0
        self.notes.extend(summary.notes)
        self._vat_note()
        order = list(REASONS)
        aside = tuple(
            SetAside(
                code,
                REASONS[code],
                c.rows,
                round(c.revenue, 4) if c.has_revenue else None,
                c.example,
                tuple(c.rows_shown),
            )
            for code, c in sorted(self.set_aside.items(), key=lambda item: order.index(item[0]))
            if c.rows
        )
        titles = [
            found for t in self._orders().sales() if (found := titled(c for _, row in t.plan.preamble for c in row))
        ]
        start, end = edges(summary.first, summary.last, titles, self.today)
        end = self.settings.period.end or end
        people = self._people(summary.revenue)
        self._heed(whose_questionnaire.look(people, self._organizations(), self.questionnaire, self.settings))
        used = sum(t.rows_used for t in self.tables)
        set_aside = sum(t.rows_set_aside for t in self.tables)
        return IntakeReport(
            files=tuple(self._file_use(t) for t in self.tables),
            columns=tuple(c for t in self.tables for c in t.plan.uses),
            fields=fields,
            field_coverage=summary.coverage,
            rows_read=used + set_aside,
            rows_used=used,
            rows_set_aside=set_aside,
            set_aside=aside,
            period_start=start,
            period_end=end,
            first_date=summary.first,
            last_date=summary.last,
            revenue=summary.revenue,
            people=people,
            duplicate_clients=summary.duplicate_clients,
            control_sums=self._control_sums(),
            questions=tuple(self.questions),
            notes=tuple(dict.fromkeys(self.notes)),
            counts=dict(self.counts),
            currency=self.currency.code,
            currency_source=self.currency.source,
        )

    def _organizations(self) -> list[str]:
        """The companies that sell, as the orders name them."""
        sql = f"SELECT DISTINCT organization FROM {parquet(self.out / 'lines.parquet')} WHERE organization IS NOT NULL ORDER BY 1"
        return [name for (name,) in self.store.rows(sql)]

    def _look_for_clients(self) -> None:
        """Say which clients of the questionnaire the orders do not know; more than half of the key clients is a question."""
        known = None
        for sheet, column in _CLIENT_SHEETS.items():
            if self.questionnaire is None or not self.questionnaire.has(sheet):
                continue
            named = list(dict.fromkeys(str(c) for c in self.questionnaire.table(sheet)[column].dropna() if c))
            known = known or known_clients(self.store, self.out / "lines.parquet")
            absent = [c for c in named if known.find(c) is None]
            if sheet == "key_clients":
                self.counts |= {"key_clients": len(named), "key_clients_not_found": len(absent)}
            if not absent:
                continue
            said = self._absent(sheet, absent, len(named))
            if sheet == "key_clients" and len(absent) * 2 > len(named):
                self.questions.append(Question(said))
            else:
                self.notes.append(said)

    def _absent(self, sheet: str, absent: Sequence[str], named: int) -> Text:
        usual = min(self.tally.by_client, key=lambda k: (-self.tally.by_client[k], k))
        name = self.book.shown(usual) or usual
        ru, en = (
            (f"«{usual}»", f"“{usual}”") if name == usual else (f"«{usual}» или «{name}»", f"“{usual}” or “{name}”")
        )
        title = TABLES[sheet]
        return Text(
            f"{title.ru}: {len(absent)} из {named} в заказах не найдены (например, «{absent[0]}»), о них сказать "
            f"нечего. Запишите их на листе так, как в заказах: кодом или названием (например, {ru})",
            f"{title.en}: {len(absent)} of {named} were not found in the orders (for example “{absent[0]}”), nothing "
            f"can be said of them. Write them on the sheet as the orders do: by code or by name (for example {en})",
        )

    def _nothing_usable(self) -> InputError:
        aside = sum(t.rows_set_aside for t in self.tables)
        where = ", ".join(t.name for t in self.tables)
        if aside == 0:
            return InputError(
                Text("В файлах нет ни одной строки заказов", "The files hold not one row of orders"),
                where=where,
                todo=Text(
                    "Проверьте, что выгружены строки, а не только заголовок",
                    "Check that rows were exported and not the header alone",
                ),
            )
        top = sorted(self.set_aside.items(), key=lambda item: (-item[1].rows, item[0]))[:3]
        ru = "; ".join(f"{REASONS[code].ru} — {c.rows}" + (f" («{c.example}»)" if c.example else "") for code, c in top)
        en = "; ".join(f"{REASONS[code].en}: {c.rows}" + (f" (“{c.example}”)" if c.example else "") for code, c in top)
        return NothingUsableError(
            Text(
                f"Ни одна строка не годится (всего строк: {aside}): {ru}",
                f"Not one row can be used (rows: {aside}): {en}",
            ),
            where=where,
            todo=Text(
                "Проверьте эти значения; если столбец понят неверно, назовите его в audit.toml, раздел [columns]",
                "Check these values; if a column was misunderstood, name it in audit.toml, section [columns]",
            ),
            rejected=self.out / "rejected_rows.csv",
        )

    def _fields(self) -> tuple[str, ...]:
        sales = [t for t in self.tables if not t.dispatch]
        have = {f for t in sales for f in t.staged.fields} | {"order_date"}
        have |= {f for f in ("shipped_date", "shipped_pct") if self.tally.covered[f]}
        if "cost" in have:
            have.add("margin")
        if {"qty", "price"} <= have:
            have.add("amount")
        if "legal_entity" in have:
            have.add("client")
        return tuple(f for f in CANONICAL_FIELDS if f in have)

    def _people(self, revenue: float) -> tuple[PersonUse, ...]:
        out: list[PersonUse] = []
        for name in PERSON_FIELDS:
            found: dict[str, tuple[Person, list[float]]] = {}
            for (f, text), (rows, amount) in self.people.items():
                if f == name and not self.index.is_nobody(text):
                    person = self.index.resolve(clean_text(text) or text)
                    entry = found.setdefault(person.spelling, (person, [0.0, 0.0]))
                    entry[1][0] += rows
                    entry[1][1] += amount
            proposed = {p.spelling: p for p in self.index.propose(p for p, _ in found.values())}
            for spelling, (_, (rows, amount)) in sorted(found.items(), key=lambda i: (-i[1][1][1], i[0])):
                p = proposed[spelling]
                code = p.code if p.how in ("known", "system") else None
                share = amount / revenue if revenue else 0.0
                out.append(PersonUse(spelling, name, code, p.how, int(rows), share, p.proposal))
        return tuple(out)

    def _control_sums(self) -> tuple[ControlSum, ...]:
        """The last total of every file against the rows used; where set-aside rows explain it, against all rows."""
        out = []
        for t in self.tables:
            out.extend(t.subtotals)
            if not t.totals:
                continue
            _row, label, stated = t.totals[-1]
            used = self.tally.by_file.get(t.name, 0) / 10_000.0
            used = -used if t.all_returns else used
            every = used + t.revenue_aside
            agrees = _near(stated, used)
            counted = used
            if not agrees and _near(stated, every):
                agrees, counted = True, every
                label = (
                    f"{label} (включая отложенные строки)"
                    if self.settings.report.lang == "ru"
                    else (f"{label} (set-aside rows included)")
                )
            out.append(ControlSum(t.name, label, stated, round(counted, 4), agrees))
        return tuple(out)

    def _vat_note(self) -> None:
        bases = {t.plan.vat for t in self.tables if not t.dispatch}
        if "gross" in bases and "net" in bases:
            self.notes.append(
                Text(
                    "В одних файлах суммы с НДС, в других — без НДС: складывать их нельзя",
                    "Some files carry amounts with VAT, others without: they must not be added",
                )
            )
        elif "gross" in bases:
            self.notes.append(Text("Суммы с НДС — так сказано в файле", "Amounts include VAT: the file says so"))
        elif "net" in bases:
            self.notes.append(Text("Суммы без НДС — так сказано в файле", "Amounts exclude VAT: the file says so"))
        elif self.questionnaire is None or not self.questionnaire.company.get("vat_basis"):
            self.notes.append(
                Text(
                    "С НДС суммы или без, в файлах не сказано; спросите клиента (анкета, vat_basis)",
                    "The files do not say whether amounts include VAT; ask the client (questionnaire, vat_basis)",
                )
            )

    def _file_use(self, t: Table) -> FileUse:
        r = t.reader
        return FileUse(
            name=t.name,
            sha256=r.sha256,
            size_bytes=t.size_bytes,
            format=r.format,
            encoding=r.encoding,
            delimiter=r.delimiter,
            sheet=r.sheet,
            header_row=t.plan.layout.header_row,
            rows_read=t.staged.rows,
            rows_used=t.rows_used,
            rows_set_aside=t.rows_set_aside,
            rows_service=t.rows_service,
        )


def _add(into: dict[Any, list[float]], more: Mapping[Any, Sequence[float]]) -> None:
    for key, values in more.items():
        entry = into.setdefault(key, [0.0] * len(values))
        for i, v in enumerate(values):
            entry[i] += v


def _near(stated: float, counted: float) -> bool:
    """Whether a stated total and a counted one are the same within 1 %, the tolerance for rounding in reports."""
    return abs(stated - counted) <= max(0.01 * abs(stated), 0.01)


def _expect(label: str, rows: int | None, found_rows: int, revenue: float | None, found_revenue: float) -> None:
    wrong = (rows is not None and rows != found_rows) or (rows is None and found_rows == 0)
    if revenue is not None and abs(revenue - found_revenue) > 0.005:
        wrong = True
    if not wrong:
        return
    ru = f"строк {found_rows}" + (f", выручка {found_revenue:.2f}" if revenue is not None else "")
    en = f"{found_rows} rows" + (f", revenue {found_revenue:.2f}" if revenue is not None else "")
    wanted_ru = f"строк {rows}" if rows is not None else "хотя бы одну строку"
    wanted_en = f"{rows} rows" if rows is not None else "at least one row"
    if revenue is not None:
        wanted_ru += f", выручку {revenue:.2f}"
        wanted_en += f", revenue {revenue:.2f}"
    raise InputError(
        Text(
            f"{label}: источник изменился — ожидали {wanted_ru}, нашли: {ru}",
            f"{label}: the source has changed: expected {wanted_en}, found {en}",
        ),
        where="audit.toml, [corrections]",
        todo=Text(
            "Проверьте, нужна ли поправка, и обновите её expect или уберите её",
            "Check whether the correction is still needed; update its expect or remove it",
        ),
    )
