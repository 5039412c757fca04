"""What ``notebooks/start.ipynb`` does for whoever presses its buttons: files, check, answers, run, and where all is.

No widget is known here. Everything that has been done stands in files of the engagement folder — ``audit.toml``, the
orders, ``check.html``, ``runs`` — so a kernel that is started anew finds all of it.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lxml import html as markup

from audit.errors import (
    NO_WORDS,
    AmbiguityError,
    Answer,
    AuditError,
    Lang,
    ParameterError,
    PreparedError,
    Text,
    current_language,
    set_language,
)
from audit.model.case import Case
from audit.model.intake_report import DuplicateClient, IntakeReport, PersonUse, Question
from audit.model.orders import field_name
from audit.present.check import alias_lines, different_lines, merge_lines, toml_string
from audit.present.format import Fmt
from audit.present.forms import ORDERS_FOLDER, QUESTIONNAIRE_FILE, SETTINGS_FILE, new_engagement, write_audit_toml
from audit.resources import JOBS
from audit.run.answers import Given, answers_given, take_back, write_answer
from audit.run.check import CheckResult, check_inputs, write_page, write_refusal
from audit.run.clock import Watcher
from audit.run.forms import FOLDER as FORMS_FOLDER
from audit.run.forms import Made, make_forms
from audit.run.inputs import Inputs, engagement_inputs
from audit.run.lab import make_copies
from audit.run.pipeline import RunResult, run_audit
from audit.settings import Settings, load_settings

__all__ = ["Ask", "Checked", "Desk", "Product", "excerpt"]

_MOST_ASKED = 30
"""People, and pairs of clients, that are asked about one by one; the page of the check lists all."""


_OTHER_COLUMN = Text("другой столбец…", "another column…")


@dataclass(frozen=True, slots=True)
class Ask:
    """One thing that only a person can settle; ``choices`` are buttons, ``among`` a list to choose one answer from.

    ``prompt`` stands in the list until one is chosen.
    """

    text: Text
    choices: tuple[Answer, ...] = ()
    among: tuple[Answer, ...] = ()
    share: float = 0.0
    """Share of revenue in question, 0–1; 0 where no money is."""
    first: Text = NO_WORDS
    """What speaks for the first of the choices."""
    prompt: Text = _OTHER_COLUMN


@dataclass(frozen=True)
class Checked:
    """What a check said: the page, what is to be asked, and whether an audit can be made."""

    verdict: str
    page: Path
    asks: tuple[Ask, ...]
    usable: bool


@dataclass(frozen=True, slots=True)
class Product:
    """A document that lies in the folder."""

    name: Text
    path: Path


class Desk:
    """The work on one engagement folder, step by step."""

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder).resolve()

    # -- what stands in the settings

    @property
    def prepared(self) -> bool:
        """Whether the folder has its settings and a place for orders."""
        return (self.folder / SETTINGS_FILE).is_file() and (self.folder / ORDERS_FOLDER).is_dir()

    def settings(self) -> Settings:
        """Return the settings as they now are; raises `AuditError` where the file cannot be read."""
        path = self.folder / SETTINGS_FILE
        return load_settings(path if path.is_file() else None)

    def lang(self) -> Lang:
        """Return the language of the engagement: that of its report, before there is one that of the user."""
        try:
            return self.settings().report.lang if self.prepared else current_language()
        except AuditError:
            return current_language()

    def set_value(self, section: str, key: str, value: str, asked: str) -> None:
        """Write one setting, if it says anything new."""
        if value and self.settings().as_json()[section].get(key) != value:
            self.answer(f"[{section}]\n{key} = {toml_string(value)}", asked)

    def set_up(self, lang: Lang) -> list[Path]:
        """Make what a new engagement needs and return it; what lies there already stays as it is."""
        if (self.folder / SETTINGS_FILE).is_file():
            (self.folder / ORDERS_FOLDER).mkdir(exist_ok=True)
            return []
        try:
            return new_engagement(self.folder, lang)
        except ParameterError:  # papers of ours without settings: only these are missing
            write_audit_toml(self.folder / SETTINGS_FILE, lang)
            (self.folder / ORDERS_FOLDER).mkdir(exist_ok=True)
            return [self.folder / SETTINGS_FILE]

    # -- files

    def orders(self) -> list[Path]:
        """Return the files in the folder of orders."""
        place = self.folder / ORDERS_FOLDER
        return sorted(p for p in place.rglob("*") if p.is_file() and not p.name.startswith((".", "~")))

    def questionnaire(self) -> Path | None:
        """Return the questionnaire, a workbook or a folder of what came back; None without one."""
        return self._inputs().questionnaire

    def put_orders(self, name: str, content: bytes) -> Path:
        """Put a file of orders into its folder; one of the same name is kept aside."""
        return self._put(self.folder / ORDERS_FOLDER / _plain(name), content)

    def put_questionnaire(self, name: str, content: bytes) -> Path:
        """Put the filled questionnaire where the settings expect it; what stood there is kept aside."""
        if Path(name).suffix.lower() != ".xlsx":
            raise ParameterError(
                Text(f"Анкета — книга XLSX, а это {name}", f"The questionnaire is an XLSX workbook, this is {name}"),
                todo=Text("Сохраните её в Excel как .xlsx", "Save it in Excel as .xlsx"),
            )
        named = self.settings().inputs.questionnaire or QUESTIONNAIRE_FILE
        target = self.folder / (named if named.lower().endswith(".xlsx") else QUESTIONNAIRE_FILE)
        return self._put(target, content)

    def _put(self, target: Path, content: bytes) -> Path:
        target.parent.mkdir(parents=True, exist_ok=True)
        aside = target.with_name(f".{target.name}.{os.getpid()}")
        aside.write_bytes(content)
        if target.exists():
            kept = self.folder / ".km-audit" / "replaced"
            kept.mkdir(parents=True, exist_ok=True)
            shutil.move(target, kept / f"{dt.datetime.now():%Y%m%d-%H%M%S}-{target.name}")
        os.replace(aside, target)
        return target

    # -- check and answers

    def _inputs(self, *, orders_needed: bool = False) -> Inputs:
        return engagement_inputs(self.folder, orders_needed=orders_needed)

    def check(self) -> Checked:
        """Read everything, write ``check.html`` and return what was understood and what is to be asked.

        Inputs that cannot be used are no error here: why, and what to click, is in what is returned.
        """
        lang = self.lang()
        set_language(lang)
        known: Settings | None = None
        try:
            inputs = self._inputs(orders_needed=True)
            known = inputs.settings
            result = check_inputs(inputs)
            page = write_page(result, self.folder)
            make_copies(inputs)
        except AuditError as e:
            page = write_refusal(e, self.folder, known, lang)
            return Checked("\n".join(e.lines(lang)), page, _of_error(e), usable=False)
        try:
            return Checked(str(result.tick().sentence()), page, tuple(asks(result)), result.usable)
        finally:
            result.case.close()

    def answer(self, lines: str, asked: str = "") -> Given:
        """Write the lines of an answer into audit.toml; raises `SettingsError` and changes nothing if they do not fit."""
        return write_answer(self.folder, lines, asked)

    def answers(self) -> list[Given]:
        """Return the answers given by clicks, the earliest first."""
        return answers_given(self.folder)

    def take_back(self) -> Given | None:
        """Take the last answer back; None where the file was changed by hand since."""
        return take_back(self.folder)

    # -- run and products

    def run(self, watch: Watcher | None = None, *, deck: bool = False, full: bool = False) -> RunResult:
        """Run the audit as ``km-audit run`` does; ``watch`` is told of every step."""
        set_language(self.lang())
        return run_audit(self._inputs(orders_needed=True), jobs=JOBS, deck=deck, full=full, watch=watch)

    def forms(self) -> Made:
        """Make the forms for the people of the department."""
        set_language(self.lang())
        return make_forms(self._inputs())

    def latest(self) -> Path | None:
        """Return the newest finished run; None before the first."""
        runs = self.folder / "runs"
        done = [p for p in runs.glob("*") if not p.is_symlink() and (p / "report.html").is_file()]
        return max(done, key=lambda p: p.name, default=None)

    def products(self) -> list[Product]:
        """Return the documents that lie there: of the newest run, the check and the forms."""
        run = self.latest()
        wanted = [
            (Text("Отчёт (PDF)", "Report (PDF)"), run and run / "report.pdf"),
            (Text("Отчёт целиком (HTML)", "The whole record (HTML)"), run and run / "report.html"),
            (Text("Отчёт целиком (PDF)", "The whole record (PDF)"), run and run / "report-full.pdf"),
            (Text("Приложение с таблицами", "Annex with every table"), run and run / "annex.xlsx"),
            (Text("Слайды", "Slides"), run and run / "deck.pptx"),
            (Text("Проверка данных", "Check of the data"), self.folder / "check.html"),
            (Text("Отложенные строки", "Rows set aside"), self.folder / "rejected_rows.csv"),
            (Text("Письмо-запрос клиенту", "Letter of request"), self.folder / "letter.html"),
        ]
        out = [Product(name, path) for name, path in wanted if path is not None and path.is_file()]
        made = self.folder / FORMS_FOLDER
        files = sorted(p for p in made.rglob("*") if p.is_file() and not p.name.startswith("."))
        return [*out, *(Product(Text(f"Форма: {p.name}", f"Form: {p.name}"), p) for p in files)]

    def page_one(self) -> str | None:
        """Return page one of the newest report as a document of its own; None before the first run."""
        run = self.latest()
        return None if run is None else excerpt((run / "report.html").read_text(encoding="utf-8"))


def _plain(name: str) -> str:
    """Return the last part of a file name that a browser gave, one that may be written."""
    plain = name.replace("\\", "/").rsplit("/", 1)[-1].strip()
    if not plain or plain.startswith((".", "~")):
        raise ParameterError(
            Text(f"Файл с таким именем не прочитается: «{name}»", f"A file of this name is not read: “{name}”"),
            todo=Text("Переименуйте его", "Rename it"),
        )
    return plain


# --- what is asked


def asks(result: CheckResult) -> list[Ask]:
    """Return everything that only a person can settle, what concerns most money first within its kind."""
    case = result.case
    i: IntakeReport = case.intake
    out = [_question(q) for q in sorted(i.questions, key=lambda q: -q.share)]
    guessed = {c.header: c for c in i.columns if c.how == "guessed" and c.field}.values()
    for c in guessed:
        assert c.field is not None
        name = field_name(c.field)
        out.append(
            Ask(
                Text(
                    f"Столбец «{c.header}» понят как «{name.ru}»: названия похожи. Это верно?",
                    f"Column “{c.header}” was taken for “{name.en}”: the names are alike. Is that right?",
                ),
                (Answer(Text("да, верно", "yes, it is"), f"[columns]\n{c.field} = {toml_string(c.header)}"),),
                tuple(
                    Answer(Text(other, other), f"[columns]\n{c.field} = {toml_string(other)}")
                    for other in dict.fromkeys(o.header for o in i.columns if o.file == c.file and o.header != c.header)
                ),
            )
        )
    return [*out, *_people(case), *(_pair(d, case) for d in i.duplicate_clients[:_MOST_ASKED])]


_LIKELY = Text("вероятнее всего", "most likely")
_READ_SO = Text("файлы так и прочитаны", "the files were read so")


def _question(q: Question) -> Ask:
    own = [Answer(q.means, q.answer)] if q.answer else []
    first = NO_WORDS if q.kind == "currency" else _READ_SO if q.taken else _LIKELY
    return Ask(q.text, (*own, *q.others), share=q.share, first=first)


def _of_error(e: AuditError) -> tuple[Ask, ...]:
    """Return the question that stopped the reading, where it is one."""
    if not isinstance(e, AmbiguityError):
        return ()
    own = [Answer(e.means, e.answer)] if e.answer else []
    return (Ask(e.what, (*own, *e.others), first=_LIKELY),)


def _people(case: Case) -> list[Ask]:
    by: dict[str, list[PersonUse]] = {}
    for p in case.intake.people:
        if p.how in ("unknown", "proposed"):
            by.setdefault(p.spelling, []).append(p)
    staff = case.questionnaire.table("staff") if case.questionnaire.has("staff") else None
    known = [] if staff is None else list(zip(staff["person"], staff["name"], strict=True))
    out = []
    for spelling, uses in sorted(by.items(), key=lambda item: -max(p.revenue_share for p in item[1]))[:_MOST_ASKED]:
        share = max(p.revenue_share for p in uses)
        sure = [p for p in uses if p.how == "proposed"][:1]
        if not known and not sure:
            continue  # the sheet of staff is empty: that is what is lacking, and the check says so
        choices = [Answer(Text(f"это {p.proposal}", f"this is {p.proposal}"), alias_lines([p])) for p in sure]
        quoted = toml_string(spelling)
        choices.append(
            Answer(
                Text("не человек, служебная запись", "no person, an account of the system"),
                f"[people]\nsystem_users = [{quoted}]",
            )
        )
        among = [
            Answer(
                Text(f"{code} {name or ''}".strip(), f"{code} {name or ''}".strip()),
                f"[people]\nalias = {{ {quoted} = {toml_string(str(code))} }}",
            )
            for code, name in known
        ]
        fields = Text(
            ", ".join(dict.fromkeys(field_name(p.field).ru for p in uses)),
            ", ".join(dict.fromkeys(field_name(p.field).en for p in uses)),
        )
        out.append(
            Ask(
                Text(
                    f"Кто это: «{spelling}» ({fields.ru})? На листе «Сотрудники» такого нет.",
                    f"Who is this: “{spelling}” ({fields.en})? The sheet “Staff” has nobody of that spelling.",
                ),
                tuple(choices),
                tuple(among),
                share,
                prompt=Text("выбрать сотрудника…", "choose a person…"),
            )
        )
    return out


def _pair(d: DuplicateClient, case: Case) -> Ask:
    ru, en = Fmt("ru", case.currency), Fmt("en", case.currency)
    return Ask(
        Text(
            f"«{d.name_a}» ({ru.money(d.revenue_a)}) и «{d.name_b}» ({ru.money(d.revenue_b)}) — один клиент?",
            f"Are “{d.name_a}” ({en.money(d.revenue_a)}) and “{d.name_b}” ({en.money(d.revenue_b)}) one client?",
        ),
        (
            Answer(Text("да, один", "yes, one"), merge_lines(d)),
            Answer(Text("нет, это разные клиенты", "no, these are two"), different_lines(d)),
        ),
    )


# --- a part of a document


def excerpt(document: str, chapters: Sequence[str] = ()) -> str:
    """Return the first page of a report's or check's HTML, and the chapters named, as a document of its own."""
    tree = markup.document_fromstring(document)
    front = tree.find_class("km-front")
    if not front:
        raise PreparedError(Text("В отчёте нет первой страницы", "The report has no first page"))
    kept = [front[0]]
    for chapter in chapters:
        kept += tree.xpath("//section[@aria-labelledby=$id]", id=f"chapter-{chapter}")
    body = tree.find("body")
    for part in list(body):
        body.remove(part)
    main = markup.Element("main", {"class": "km-main"})
    main.extend(kept)
    body.append(main)
    for script in tree.xpath("//script"):
        script.getparent().remove(script)
    return "<!DOCTYPE html>\n" + str(markup.tostring(tree, encoding="unicode"))
