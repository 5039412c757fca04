"""The front door: buttons over `audit.run.desk`, shown by ``notebooks/start.ipynb``.

From the exports to the report without a terminal. Whatever is done is in the engagement folder at once; after a new start
of the kernel the same page comes back from there.
"""

from __future__ import annotations

import datetime as dt
import os
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import quote

import ipywidgets as w  # type: ignore[import-untyped]
from markupsafe import Markup

from audit.errors import NO_WORDS, Answer, AuditError, Lang, Text, set_language
from audit.present.format import Fmt
from audit.present.titles import chapter_title
from audit.run.clock import Event
from audit.run.desk import Ask, Checked, Desk, excerpt
from audit.run.lab import FILES_URL
from audit.run.notebooks import built_chapters
from audit.run.pipeline import RunResult

__all__ = ["Start", "start"]

_CHANGED = Text(
    "Отменить нельзя: audit.toml с тех пор меняли вручную. Откройте файл и поправьте его.",
    "This cannot be taken back: audit.toml was changed by hand since. Open the file and put it right.",
)
_WIDE = w.Layout(width="100%")
_AUTO = w.Layout(width="auto", align_self="flex-start")
_BAD = "background:#fdecea;border-left:4px solid #b3261e;padding:.5em .8em;white-space:pre-wrap"
_CODE = "background:#f3f4f6;padding:.4em .6em;margin:.2em 0;white-space:pre-wrap"


def start(folder: str | Path = "..") -> Any:
    """Return the page of an engagement folder, for the last line of a notebook's cell."""
    spoken = os.environ.get("KM_AUDIT_LANG", "").lower()[:2]
    if spoken in ("ru", "en"):
        set_language(cast(Lang, spoken))
    return Start(Desk(folder)).box


class Start:
    """The page: language and name, files, what was understood, questions, run, report."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.checked: Checked | None = None
        self.listed: list[Path] = []
        self.failure: Any = w.HTML()
        self.files: Any = w.VBox()
        self.told: Any = w.HTML()
        self.understood: Any = w.VBox()
        self.running: Any = w.VBox()
        self.report: Any = w.VBox()
        self.box: Any = w.VBox(layout=_WIDE)
        self.draw()

    # -- words

    @property
    def lang(self) -> Lang:
        """The language of the page: that of the report."""
        return self.desk.lang()

    def say(self, ru: str, en: str) -> str:
        """Return a word of the page in its language."""
        return ru if self.lang == "ru" else en

    def _title(self, number: int, ru: str, en: str) -> Any:
        return w.HTML(Markup("<h2>{}. {}</h2>").format(number, self.say(ru, en)))

    def _text(self, text: str, style: str = "") -> Any:
        return w.HTML(Markup('<div style="{}">{}</div>').format(style, text))

    def _button(self, label: str, press: Callable[[], None], *, style: str = "", tooltip: str = "") -> Any:
        button = w.Button(description=label, button_style=style, tooltip=tooltip or label, layout=_AUTO)

        def pressed(_: Any) -> None:
            with self._careful(button):
                press()

        button.on_click(pressed)
        return button

    @contextmanager
    def _careful(self, button: Any = None) -> Iterator[None]:
        """Do what was clicked once, and show an error as its lines."""
        self.failure.value = ""
        set_language(self.lang)
        if button is not None:
            button.disabled = True
        try:
            yield
        except AuditError as e:
            self.failure.value = Markup('<div style="{}">{}</div>').format(_BAD, "\n".join(e.lines(self.lang)))
        except Exception as e:
            told = "".join(traceback.format_exception(e))
            self.failure.value = Markup('<div style="{}">{}: {}<details><pre>{}</pre></details></div>').format(
                _BAD, self.say("Ошибка программы", "An error of the program"), e, told
            )
        finally:
            if button is not None:
                button.disabled = False

    # -- the page

    def draw(self) -> None:
        """Draw everything from what the folder holds."""
        set_language(self.lang)
        parts = [self._head(), self.failure]
        if self.desk.prepared:
            self._draw_files()
            self._draw_running()
            self._draw_report()
            parts += [self.files, self.understood, self.running, self.report]
            if self.desk.orders() and (self.desk.folder / "check.html").is_file():
                with self._careful():
                    self._check()
            else:
                self._draw_understood()
        self.box.children = parts

    def _head(self) -> Any:
        title = Markup("<h1>km-audit: {}</h1>").format(self.desk.folder.name)
        languages = w.ToggleButtons(options=[("Русский", "ru"), ("English", "en")], value=self.lang)
        languages.style.button_width = "auto"
        if not self.desk.prepared:
            lead = self.say(
                "Папка пуста. Нажмите кнопку: появятся анкета, письмо-запрос клиенту и место для выгрузок.",
                "The folder is empty. Press the button: it makes the questionnaire, the letter to the client and a place "
                "for the exports.",
            )

            def make() -> None:
                self.desk.set_up(cast(Lang, languages.value))
                self.draw()

            begin = self._button(self.say("Начать аудит", "Begin the audit"), make, style="primary")
            return w.VBox([w.HTML(title), self._text(lead), languages, begin])
        try:
            named = self.desk.settings().company.name or ""
        except AuditError as e:
            return w.VBox([w.HTML(title), self._text("\n".join(e.lines(self.lang)), _BAD), *self._take_back()])
        name = w.Text(value=named, description=self.say("Компания", "Company"), continuous_update=False)

        def renamed(change: Any) -> None:
            with self._careful():
                self.desk.set_value("company", "name", change["new"].strip(), self.say("Компания", "Company"))

        def spoken(change: Any) -> None:
            with self._careful():
                self.desk.set_value("report", "lang", change["new"], self.say("Язык", "Language"))
                self.draw()

        name.observe(renamed, "value")
        languages.observe(spoken, "value")
        return w.VBox([w.HTML(title), w.HBox([name, languages])])

    # -- 1: files

    def _draw_files(self) -> None:
        fmt = Fmt(self.lang)
        orders = self.listed = self.desk.orders()
        listed = [f"{p.relative_to(self.desk.folder).as_posix()}, {_size(fmt, p, self.lang)}" for p in orders]
        with self._careful():
            answers = self.desk.questionnaire()
            told = self.say("нет", "none") if answers is None else answers.name
            listed.append(f"{self.say('Анкета', 'Questionnaire')}: {told}")
        exports = self._drop(self.say("Добавить выгрузки", "Add exports"), self.desk.put_orders, many=True)
        sheet = self._drop(
            self.say("Добавить анкету", "Add the questionnaire"), self.desk.put_questionnaire, accept=".xlsx"
        )
        hint = self.say(
            "CSV, XLSX, XLS, ODS, Parquet или ZIP. Файлы можно и просто положить в папку orders проекта и нажать "
            "«Проверить». Одноимённый файл заменяется, прежний остаётся в .km-audit/replaced.",
            "CSV, XLSX, XLS, ODS, Parquet or ZIP. Files can also be put into the folder orders of the engagement; then press "
            "“Check”. A file of the same name is replaced, the old one is kept in .km-audit/replaced.",
        )
        check = self._button(self.say("Проверить", "Check"), self._check, style="primary")
        items = Markup("").join(Markup("<li>{}</li>").format(line) for line in listed)
        self.files.children = [
            self._title(1, "Файлы", "Files"),
            w.HTML(Markup("<ul>{}</ul>").format(items)),
            w.HBox([exports, sheet, check], layout=w.Layout(flex_flow="row wrap")),
            self.told,
            self._text(hint, "color:#555"),
        ]

    def _drop(self, label: str, put: Callable[[str, bytes], Path], *, accept: str = "", many: bool = False) -> Any:
        upload = w.FileUpload(accept=accept, multiple=many, description=label, layout=_AUTO)

        def came(change: Any) -> None:
            if not change["new"]:
                return
            with self._careful():
                for file in change["new"]:
                    put(file["name"], bytes(file["content"]))
            self._draw_files()

        upload.observe(came, "value")
        return upload

    # -- 2: what was understood, and questions

    def _check(self) -> None:
        if self.desk.orders() != self.listed:
            self._draw_files()
        self._tell("Читаю файлы и считаю…", "Reading the files and computing…")
        try:
            self.checked = self.desk.check()
        finally:
            self._tell("", "")
            self._draw_understood()
            self._draw_running()
            self._draw_report()
        n = len(self.checked.asks)
        if self.checked.usable:
            self._tell(f"✓ Прочитано. Вопросов: {n}", f"✓ Read. Questions: {n}")
        else:
            self._tell(
                "Прочитать не удалось: что мешает, сказано ниже", "This cannot be read: what is in the way stands below"
            )

    def _tell(self, ru: str, en: str) -> None:
        """Say how far the work is, beside every button that can begin it."""
        self.told.value = Markup('<div style="font-weight:600">{}</div>').format(self.say(ru, en))

    def _draw_understood(self) -> None:
        head = self._title(2, "Что понято", "What was understood")
        checked = self.checked
        if checked is None:
            wait = self.say("Добавьте выгрузки и нажмите «Проверить».", "Add the exports and press “Check”.")
            self.understood.children = [head, self._text(wait)]
            return
        parts = [head]
        if not checked.usable:
            parts.append(self._text(checked.verdict, _BAD))
        else:
            page = checked.page.read_text(encoding="utf-8")
            parts.append(_frame(excerpt(page, ["files", "set-aside"]), 460))
            parts.append(w.HTML(self._link(checked.page, self.say("Вся проверка данных", "The whole check"))))
        n = len(checked.asks)
        parts += [w.HTML(Markup("<h3>{}: {}</h3>").format(self.say("Вопросы", "Questions"), n)), self.told]
        parts += [self._ask(k, ask) for k, ask in enumerate(checked.asks, 1)]
        parts.append(self.failure)
        self.understood.children = [*parts, *self._by_hand(), *self._given(), *self._take_back()]

    def _ask(self, number: int, ask: Ask) -> Any:
        fmt = Fmt(self.lang)
        text = ask.text.get(self.lang)
        share = f" ({self.say('доля выручки', 'share of revenue')} {fmt.share(ask.share)})" if ask.share else ""
        rows = [w.HTML(Markup("<b>{}. {}</b>{}").format(number, text, share))]
        rows += [self._choice(text, choice, ask.first if k == 0 else NO_WORDS) for k, choice in enumerate(ask.choices)]
        if ask.among:
            options = [(a.means.get(self.lang), a.lines) for a in ask.among]
            chosen = w.Dropdown(options=[(ask.prompt.get(self.lang), ""), *options])

            def picked(change: Any) -> None:
                if change["new"]:
                    with self._careful():
                        self._answer(change["new"], text)

            chosen.observe(picked, "value")
            rows.append(chosen)
        return w.VBox(rows, layout=w.Layout(border="1px solid #ddd", padding="6px 10px", margin="4px 0"))

    def _choice(self, asked: str, choice: Answer, hint: Text) -> Any:
        """Return the button of an answer, what speaks for it, and the line that it writes."""
        said = hint.get(self.lang)
        button = self._button(
            _short(choice.means.get(self.lang), 90), lambda: self._answer(choice.lines, asked), tooltip=choice.lines
        )
        line = Markup('{} <code style="color:#666">{}</code>').format(
            f"← {said}" if said else "", _short(choice.lines.replace("\n", "  "), 110)
        )
        return w.HBox([button, w.HTML(line)], layout=w.Layout(flex_flow="row wrap"))

    def _answer(self, lines: str, asked: str) -> None:
        self.desk.answer(lines, asked)
        self._check()

    def _by_hand(self) -> list[Any]:
        area = w.Textarea(placeholder='[columns]\nclient = "Покупатель"', layout=w.Layout(width="60%", height="70px"))
        write = self._button(
            self.say("Записать в audit.toml", "Write into audit.toml"), lambda: self._answer(area.value, "")
        )
        box = w.Accordion([w.VBox([area, write])], selected_index=None)
        box.set_title(0, self.say("Своя строка для audit.toml", "A line of your own for audit.toml"))
        return [box]

    def _given(self) -> list[Any]:
        given = self.desk.answers()
        if not given:
            return []
        rows = Markup("").join(
            Markup('<li>{}<pre style="{}">{}</pre></li>').format(g.asked, _CODE, g.lines) for g in given
        )
        head = self.say("Записано в audit.toml", "Written into audit.toml")
        link = self._link(self.desk.folder / "audit.toml", "audit.toml")
        return [w.HTML(Markup("<h3>{}</h3><p>{}</p><ol>{}</ol>").format(head, link, rows))]

    def _take_back(self) -> list[Any]:
        if not self.desk.answers():
            return []

        def back() -> None:
            if self.desk.take_back() is None:
                raise AuditError(_CHANGED)
            self.draw()
            self._check()

        return [self._button(self.say("Отменить последний ответ", "Take the last answer back"), back)]

    # -- 3: run

    def _draw_running(self) -> None:
        head = self._title(3, "Аудит", "The audit")
        if self.checked is None or not self.checked.usable:
            wait = self.say("Сначала проверьте данные.", "Check the data first.")
            self.running.children = [head, self._text(wait)]
            return
        deck = w.Checkbox(value=False, description=self.say("слайды", "slides"), indent=False, layout=_AUTO)
        full = w.Checkbox(
            value=False, description=self.say("отчёт целиком на бумаге", "the whole record on paper"), indent=False
        )
        steps = w.VBox()

        def run() -> None:
            self._run(steps, deck.value, full.value)

        button = self._button(self.say("Провести аудит", "Run the audit"), run, style="success")
        forms = self._button(self.say("Сделать формы для сотрудников", "Make the forms for the people"), self._forms)
        open_ones = len(self.checked.asks)
        rest = self._text(
            self.say(f"Без ответа: {open_ones}. Отчёт их назовёт.", f"Unanswered: {open_ones}. The report names them.")
            if open_ones
            else ""
        )
        self.running.children = [
            *(head, rest, w.HBox([button, deck, full], layout=w.Layout(flex_flow="row wrap"))),
            *(steps, self.told, self.failure, forms),
        ]

    def _run(self, steps: Any, deck: bool, full: bool) -> None:
        bars = _Bars(self.lang)
        steps.children = [bars.box]
        self._tell("Считаю…", "Computing…")
        try:
            result = self.desk.run(bars, deck=deck, full=full)
        finally:
            self._tell("", "")
        self._draw_report(result)
        self._tell("✓ Готово: отчёт ниже", "✓ Done: the report is below")

    def _forms(self) -> None:
        made = self.desk.forms()
        self._draw_report(notes=tuple(n.get(self.lang) for n in made.notes))

    # -- 4: report

    def _draw_report(self, result: RunResult | None = None, notes: tuple[str, ...] = ()) -> None:
        head = self._title(4, "Отчёт", "The report")
        page = self.desk.page_one()
        parts = [head]
        if result is not None:
            for f in result.failed:
                said = f"{chapter_title(f.chapter, self.lang)}: {'' if f.error is None else f.error.get(self.lang)}"
                parts.append(self._text(said, _BAD))
            notes += tuple(n.get(self.lang) for n in result.notes)
        parts += [self._text(n, _CODE) for n in notes]
        items = Markup("").join(
            Markup("<li>{}</li>").format(self._link(p.path, p.name.get(self.lang))) for p in self.desk.products()
        )
        parts.append(w.HTML(Markup("<ul>{}</ul>").format(items)))
        if page is None:
            parts.append(self._text(self.say("Аудита ещё не было.", "There has been no audit yet.")))
        else:
            run = self.desk.latest()
            parts.append(self._text(f"{self.say('Первая страница', 'Page one')} · {_made(run)}"))
            parts.append(_frame(page, 900))
        self.report.children = parts

    def _link(self, path: Path, name: str) -> Markup:
        """Return a link that the browser opens beside this page; without our server, where the file lies."""
        base = os.environ.get(FILES_URL)
        if base is None:
            return Markup("{}: <code>{}</code>").format(name, path)
        there = quote(path.relative_to(self.desk.folder).as_posix())
        return Markup('<a href="{}{}" target="_blank" rel="noopener" style="text-decoration:underline">{}</a>').format(
            base, there, name
        )


class _Bars:
    """A bar for each chapter and each document, moved by the events of a run."""

    def __init__(self, lang: Lang) -> None:
        self.lang = lang
        self.bars: dict[str, tuple[Any, Any]] = {}
        names = {"intake": ("Чтение данных", "Reading the data")}
        names |= {c: (chapter_title(c, "ru"), chapter_title(c, "en")) for c in (*built_chapters(), "summary")}
        names |= {"html": ("Отчёт HTML", "HTML report"), "pdf": ("Отчёт PDF", "PDF report")}
        names |= {"annex": ("Приложение", "Annex")}
        rows = []
        for step, (ru, en) in names.items():
            bar, seconds = w.IntProgress(value=0, max=2, layout=w.Layout(width="220px", height="16px")), w.Label("")
            label = w.Label(ru if lang == "ru" else en, layout=w.Layout(width="320px"))
            self.bars[step] = bar, seconds
            rows.append(w.HBox([label, bar, seconds]))
        self.box: Any = w.VBox(rows)

    def __call__(self, event: Event) -> None:
        if event.step not in self.bars:
            return
        bar, seconds = self.bars[event.step]
        bar.value = 1 if event.state == "start" else 2
        bar.bar_style = {"start": "info", "done": "success", "failed": "danger"}.get(event.state, "")
        if event.state in ("done", "failed"):
            seconds.value = f"{Fmt(self.lang).num(event.seconds, 1)} {'с' if self.lang == 'ru' else 's'}"


def _frame(document: str, height: int) -> Any:
    """Show a document of ours in the notebook; nothing in it can run."""
    return w.HTML(
        Markup('<iframe sandbox="" srcdoc="{}" style="width:100%;height:{}px;border:1px solid #ddd"></iframe>').format(
            document, height
        )
    )


def _made(run: Path | None) -> str:
    """Return when a run was made as a person reads it; its folder's name where that is no stamp."""
    try:
        return "" if run is None else f"{dt.datetime.strptime(run.name[:16], '%Y%m%dT%H%M%SZ'):%d.%m.%Y %H:%M} UTC"
    except ValueError:
        return run.name if run is not None else ""


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _size(fmt: Fmt, path: Path, lang: Lang) -> str:
    size = path.stat().st_size
    mega, kilo = ("МБ", "КБ") if lang == "ru" else ("MB", "kB")
    return f"{fmt.num(size / 1e6, 1)} {mega}" if size >= 1e6 else f"{fmt.num(max(1, size / 1e3))} {kilo}"
