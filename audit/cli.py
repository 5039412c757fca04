"""The command ``km-audit``: arguments, printing, exit codes.

0 done; 1 unusable input or settings; 2 wrong usage; 3 a chapter failed, the others are finished; 4 an alarm that was asked
for (``track --alert``).

Heavy modules are imported inside the commands, so that ``--help`` answers at once.
"""

from __future__ import annotations

import functools
import json
import locale
import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, NoReturn, ParamSpec, cast

import typer
from rich.console import Console
from rich.markup import escape

from audit.errors import AuditError, Lang, ParameterError, Text, current_language, set_language
from audit.resources import JOBS

if TYPE_CHECKING:
    from audit.run.clock import Event
    from audit.run.inputs import Inputs
    from audit.run.pipeline import RunResult

__all__ = ["app", "main"]

P = ParamSpec("P")


class _Whole(typer.core.TyperGroup):
    """The list of commands, each with its whole sentence: a narrow terminal wraps it and cuts nothing."""

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the names with what each does."""
        named = [(name, command) for name, command in self.commands.items() if not command.hidden]
        with formatter.section("Commands"):
            formatter.write_dl([(name, command.get_short_help_str(limit=1_000)) for name, command in named])


app = typer.Typer(
    name="km-audit",
    cls=_Whole,
    help="Audit of a B2B client department: role mixing, retention, what it costs, what to do first.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

EXIT_INPUT = 1
EXIT_CHAPTER = 3
EXIT_ALARM = 4

Alert = Literal["found", "worse"]

EXAMPLES = {
    "demo": "km-audit demo --lang en",
    "run": "km-audit run acme --deck",
    "screen": "km-audit screen acme --out findings.json",
    "check": "km-audit check acme",
    "render": "km-audit render acme/runs/latest",
    "lab": "km-audit lab acme",
    "compare": "km-audit compare acme/runs/20250401T090000Z acme/runs/latest --out follow-up",
    "track": "km-audit track acme --alert found",
    "week": "km-audit week acme",
    "batch": "km-audit batch clients/* --jobs 2",
    "explain": "km-audit explain roles.km_overload",
    "new": "km-audit new acme --lang en",
    "forms": "km-audit forms acme --person KM1",
}
"""One example for the help of each command."""


class _State:
    json = False


_state = _State()

LangOption = Annotated[Lang | None, typer.Option("--lang", help="Language of the report: ru or en.", metavar="ru|en")]
OrdersOption = Annotated[
    list[str] | None,
    typer.Option("--orders", help="Orders file, folder, database URL, or what Spark reads; may be repeated."),
]
QuestionnaireOption = Annotated[
    Path | None, typer.Option("--questionnaire", help="Questionnaire: XLSX or a folder of CSVs.")
]
BenchmarksOption = Annotated[
    Path | None,
    typer.Option("--benchmarks", help="File of anonymous figures of other audits, to stand among from twenty on."),
]
SettingsOption = Annotated[Path | None, typer.Option("--settings", help="Another audit.toml.")]
EngineOption = Annotated[
    str | None, typer.Option("--engine", help="duckdb (this computer reads), spark or a Spark master address.")
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print machine-readable status instead of text.")]


def _console(stderr: bool = False) -> Console:
    return Console(stderr=stderr, highlight=False, soft_wrap=False, emoji=False)


def _say(ru: str, en: str) -> str:
    return ru if current_language() == "ru" else en


def _user_language() -> Lang | None:
    """Return the language in which the user wants to be spoken to; None where the system does not say (C locale)."""
    for name in ("KM_AUDIT_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "").lower()
        if value.startswith(("ru", "en")):
            return "ru" if value.startswith("ru") else "en"
        if value == "c" or value.startswith(("c.", "posix")):
            return None  # Python calls C.UTF-8 American English
        if value:
            break
    named = (locale.getlocale()[0] or "").lower()
    return "ru" if named.startswith("ru") else "en" if named.startswith("en") else None


def _speak(lang: Lang | None, report: Lang = "ru") -> None:
    """Choose the language of the console: --lang, else the user's, else the report's."""
    set_language(lang or _user_language() or report)


def _print_json(value: Any) -> None:
    sys.stdout.write(json.dumps(value, ensure_ascii=False, indent=2) + "\n")


def _print_page(console: Console, page: Path) -> None:
    console.print(f"{_say('Всё это на одной странице', 'All this on one page')}: {escape(str(page))}", soft_wrap=True)


def _fail(error: AuditError, page: Path | None = None) -> NoReturn:
    """The one place where a user's error is printed; ``page`` is where it stands to be read or passed on."""
    if _state.json:
        told = {} if page is None else {"page": str(page)}
        _print_json(
            {
                "status": "error",
                "error": type(error).__name__,
                "message": str(error.what),
                "where": str(error.where),
                "todo": None if error.todo is None else str(error.todo),
                "answer": getattr(error, "answer", "") or None,
                "means": str(getattr(error, "means", "")) or None,
                "others": [{"means": str(a.means), "lines": a.lines} for a in getattr(error, "others", ())],
                **told,
            }
        )
    else:
        console = _console(stderr=True)
        first, *rest = error.lines()
        console.print(f"[bold red]{_say('Ошибка', 'Error')}:[/] {escape(first)}")
        for line in rest:
            console.print(f"  {escape(line)}")
        answer = getattr(error, "answer", "")
        if answer:
            means = str(getattr(error, "means", ""))
            said = f" ({escape(means)})" if means else ""
            console.print(f"  {_say('Строка для audit.toml', 'Line for audit.toml')}{said}:")
            for line in answer.split("\n"):
                console.print(f"    [bold]{escape(line)}[/]")
        for other in getattr(error, "others", ()):
            console.print(f"  {_say('или', 'or')}: {escape(str(other.means))}")
            for line in other.lines.split("\n"):
                console.print(f"    [bold]{escape(line)}[/]")
        if page is not None:
            _print_page(console, page)
    raise SystemExit(EXIT_INPUT)


def _inputs(
    folder: Path | None, orders: list[str] | None, questionnaire: Path | None, settings: Path | None, **options: Any
) -> Inputs:
    from audit.run.inputs import engagement_inputs, file_inputs, override

    if folder is not None and orders:
        raise typer.BadParameter(_say("укажите либо папку проекта, либо --orders", "give either a folder or --orders"))
    if folder is None and not orders:
        raise typer.BadParameter(_say("укажите папку проекта или --orders ФАЙЛ", "give a folder or --orders FILE"))
    if folder is not None:
        if folder.is_file():
            raise ParameterError(
                Text(f"{folder} — файл, а не папка проекта", f"{folder} is a file, not an engagement folder"),
                todo=Text(
                    f"Файл заказов задаётся так: --orders {quoted(folder)} --out ПАПКА",
                    f"An orders file is given so: --orders {quoted(folder)} --out DIR",
                ),
            )
        inputs = engagement_inputs(folder, settings)
        if questionnaire is not None:
            inputs = replace(inputs, questionnaire=questionnaire)
    else:
        inputs = file_inputs(orders or [], questionnaire, settings)
    _speak(options.get("lang"), inputs.settings.report.lang)
    return replace(
        inputs,
        settings=override(
            inputs.settings,
            {
                "report": {"lang": options.get("lang"), "names": True if options.get("names") else None},
                "inputs": {"engine": options.get("engine")},
            },
        ),
    )


def quoted(path: Path) -> str:
    """Return a path as it is to be typed."""
    return shlex.quote(str(path)) if sys.platform != "win32" else subprocess.list2cmdline([str(path)])


def _command(work: Callable[P, int]) -> Callable[P, None]:
    """Make a command of what returns its exit code: it speaks ``lang``, answers ``as_json``, and errors end it."""

    @app.command(epilog=f"Example: {EXAMPLES[work.__name__]}")
    @functools.wraps(work)
    def command(*args: P.args, **options: P.kwargs) -> None:
        _state.json = bool(options.get("as_json"))
        _speak(cast("Lang | None", options.get("lang")))
        try:
            code = work(*args, **options)
            sys.stdout.flush()
        except AuditError as e:
            _fail(e)
        except BrokenPipeError:  # whoever read has enough
            _drop_output()
            code = EXIT_INPUT
        except KeyboardInterrupt:
            _console(stderr=True).print(_say("Прервано. Прежние отчёты целы.", "Interrupted. Earlier runs are intact."))
            raise SystemExit(130) from None
        except OSError as e:
            if e.filename is None:
                _drop_output()
            _fail(
                AuditError(
                    Text(
                        f"Файловая система отказала: {e.strerror or e}", f"The file system refused: {e.strerror or e}"
                    ),
                    where=str(e.filename or ""),
                    todo=Text("Проверьте место на диске и права", "Check free space and permissions"),
                )
            )
        raise SystemExit(code)

    return command


def _drop_output() -> None:
    """Send what is still to be printed nowhere: Python would try once more at its end, and fail."""
    with open(os.devnull, "w") as nowhere:
        os.dup2(nowhere.fileno(), 1)


def _print_version(wanted: bool) -> None:
    if wanted:
        from audit.run.versions import kit_version

        typer.echo(f"km-audit {kit_version()}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[  # by a callback: a command is missing where only the version is asked for
        bool, typer.Option("--version", help="Print the version and stop.", is_eager=True, callback=_print_version)
    ] = False,
) -> None:
    _speak(None)


def _chapter_name(step: str, lang: str) -> str:
    from audit.present.titles import chapter_title

    return str(chapter_title(step, lang))


_STEPS = {
    "intake": Text("чтение и проверка данных", "reading and checking the data"),
    "html": Text("отчёт HTML", "HTML report"),
    "pdf": Text("отчёт PDF", "PDF report"),
    "pictures": Text("рисунки для слайдов", "pictures for slides"),
    "annex": Text("приложение с таблицами", "annex with tables"),
    "deck": Text("слайды", "slides"),
}


class _Progress:
    """One line per step as it ends, and what is running now where there is a terminal."""

    def __init__(self, quiet: bool) -> None:
        self.quiet = quiet
        self.console = _console(stderr=True)
        self.running: list[str] = []
        self.status: Any = None

    def _label(self, step: str) -> str | None:
        if step in _STEPS:
            return str(_STEPS[step])
        if step == "notebooks":
            return None
        return _say("глава", "chapter") + f" «{_chapter_name(step, current_language())}»"

    def __call__(self, event: Event) -> None:
        if self.quiet:
            return
        if event.state == "note":
            self.console.print(
                _say("Убраны остатки прерванного запуска: ", "Removed what an interrupted run left: ") + event.detail
            )
            return
        label = self._label(event.step)
        if label is None:
            return
        if event.state == "start":
            self.running.append(label)
        else:
            if label in self.running:
                self.running.remove(label)
            mark = "[green]✓[/]" if event.state == "done" else "[red]✗[/]"
            self.console.print(f"{mark} {escape(label)}  [dim]{event.seconds:.1f} {_say('с', 's')}[/]")
        self._show()

    def _show(self) -> None:
        if not self.console.is_terminal:
            return
        if self.status is None:
            self.status = self.console.status("")
            self.status.start()
        self.status.update(escape(", ".join(self.running)))

    def stop(self) -> None:
        if self.status is not None:
            self.status.stop()
            self.status = None


_MARKS = {"found": "●", "watch": "◆", "clear": "○", "unclear": "±", "not_assessed": "–"}


def _verdict_lines(findings: Any) -> tuple[dict[str, int], list[dict[str, Any]]]:
    counts = {s: sum(f["status"] == s for f in findings["findings"]) for s in _MARKS}
    shown = [f for s in ("found", "watch") for f in findings["findings"] if f["status"] == s]
    return counts, shown


def _print_verdict(console: Console, findings: Any) -> None:
    counts, shown = _verdict_lines(findings)
    words = {
        "found": _say("выявлено", "found"),
        "watch": _say("под наблюдением", "watch"),
        "clear": _say("в норме", "clear"),
        "unclear": _say("нельзя сказать", "cannot tell"),
        "not_assessed": _say("не оценено", "not assessed"),
    }
    console.print(", ".join(f"{words[s]}: {n}" for s, n in counts.items()))
    for f in shown:
        console.print(f"  {_MARKS[f['status']]} {escape(f['title'])}  [dim]{f['id']}[/]")
    for asked in findings["data"]["questions"]:
        console.print(f"[yellow]?[/] {escape(asked['text'])}")
        for line in asked["answer"].split("\n") if asked["answer"] else ():
            console.print(f"      [bold]{escape(line)}[/]", soft_wrap=True)


def _finish(result: RunResult) -> int:
    findings = result.findings
    if _state.json:
        counts, _ = _verdict_lines(findings)
        _print_json(
            {
                "status": "failed_chapters" if result.failed else "done",
                "run": str(result.folder),
                "report_html": str(result.folder / "report.html"),
                "report_pdf": str(result.folder / "report.pdf") if result.pdf_engine else None,
                "pdf_engine": result.pdf_engine,
                "findings": counts,
                "failed": [
                    {"chapter": f.chapter, "error": str(f.error), "notebook": str(f.path)} for f in result.failed
                ],
                "timings_seconds": dict(result.timings),
            }
        )
        return EXIT_CHAPTER if result.failed else 0
    console = _console()
    console.print()
    _print_verdict(console, findings)
    for note in result.notes:
        console.print(escape(str(note)))
    for f in result.failed:
        cell = f", {_say('ячейка', 'cell')} {f.cell}" if f.cell is not None else ""
        title = _chapter_name(f.chapter, current_language())
        console.print(f"[red]✗ {_say('Глава', 'Chapter')} «{escape(title)}»{cell}:[/] {escape(str(f.error))}")
        console.print(f"  {_say('Ноутбук', 'Notebook')}: {escape(str(f.path))}", soft_wrap=True)
    console.print()
    console.print(f"{_say('Отчёт', 'Report')}: [bold]{escape(str(result.folder / 'report.html'))}[/]", soft_wrap=True)
    if result.pdf_engine:
        console.print(f"PDF:   {escape(str(result.folder / 'report.pdf'))}", soft_wrap=True)
    if (result.folder / "deck.pptx").exists():
        console.print(f"{_say('Слайды', 'Slides')}: {escape(str(result.folder / 'deck.pptx'))}", soft_wrap=True)
    return EXIT_CHAPTER if result.failed else 0


def _run(
    inputs: Callable[[], Inputs],
    out: Path | None,
    chapters: list[str] | None,
    jobs: int,
    deck: bool = False,
    full: bool = False,
    key: bool = False,
    benchmarks: Path | None = None,
) -> int:
    from audit.run.workers import Workers

    workers = Workers.start(jobs)  # first of all: they import while this process does and reads
    progress = _Progress(quiet=_state.json)
    try:
        given = inputs()
        from audit.run.pipeline import run_audit

        result = run_audit(
            given,
            out,
            chapters=chapters,
            jobs=jobs,
            deck=deck,
            full=full,
            key=key,
            benchmarks=benchmarks,
            watch=progress,
            workers=workers,
        )
    finally:
        progress.stop()
        if workers is not None:
            workers.close()
    return _finish(result)


@_command
def demo(
    lang: LangOption = None,
    out: Annotated[Path, typer.Option("--out", help="Folder of the report.")] = Path("km-audit-demo"),
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Notebooks executed at once.")] = JOBS,
    deck: Annotated[bool, typer.Option("--deck", help="Also make deck.pptx: 8-12 slides to edit.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Also make report-full.pdf: the whole record on paper.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Run the whole audit on the bundled sample, start to finish."""

    def inputs() -> Inputs:
        from audit.run.inputs import demo_inputs

        return demo_inputs(lang)

    return _run(inputs, out, None, jobs, deck, full)


@_command
def run(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Engagement folder.")] = None,
    orders: OrdersOption = None,
    questionnaire: QuestionnaireOption = None,
    settings: SettingsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="Folder of the report; needed with --orders.")] = None,
    lang: LangOption = None,
    chapter: Annotated[list[str] | None, typer.Option("--chapter", help="Only this chapter; may be repeated.")] = None,
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Notebooks executed at once.")] = JOBS,
    engine: EngineOption = None,
    names: Annotated[bool, typer.Option("--names", help="Show persons by name instead of by code.")] = False,
    deck: Annotated[bool, typer.Option("--deck", help="Also make deck.pptx: 8-12 slides to edit.")] = False,
    full: Annotated[bool, typer.Option("--full", help="Also make report-full.pdf: the whole record on paper.")] = False,
    key: Annotated[bool, typer.Option("--key", help="Also make key.csv: who stands behind which code.")] = False,
    benchmarks: BenchmarksOption = None,
    as_json: JsonOption = False,
) -> int:
    """Run the audit of an engagement folder, or of named files into --out."""
    if folder is None and out is None and orders:
        raise typer.BadParameter(_say("с --orders нужна папка --out", "--orders needs --out"), param_hint="--out")

    def inputs() -> Inputs:
        return _inputs(folder, orders, questionnaire, settings, lang=lang, names=names, engine=engine)

    return _run(inputs, out, chapter, jobs, deck, full, key, benchmarks)


@_command
def screen(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Engagement folder.")] = None,
    orders: OrdersOption = None,
    questionnaire: QuestionnaireOption = None,
    settings: SettingsOption = None,
    out: Annotated[Path | None, typer.Option("--out", help="File for findings.json; default: print it.")] = None,
    lang: LangOption = None,
    engine: EngineOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compute findings.json alone, in seconds: no notebooks, no report."""
    from audit.run.screen import write_screen

    inputs = _inputs(folder, orders, questionnaire, settings, lang=lang, engine=engine)
    findings = write_screen(inputs, out)
    if out is None:
        _print_json(findings)
    elif as_json:
        _print_json({"status": "done", "findings": str(out), "counts": _verdict_lines(findings)[0]})
    else:
        _print_verdict(_console(), findings)
    return 0


@_command
def check(
    folder: Annotated[Path | None, typer.Argument(metavar="[DIR]", help="Engagement folder.")] = None,
    orders: OrdersOption = None,
    questionnaire: QuestionnaireOption = None,
    settings: SettingsOption = None,
    lang: LangOption = None,
    engine: EngineOption = None,
    as_json: JsonOption = False,
) -> int:
    """Read and validate only: what is usable, what to ask the client."""
    from audit.run.check import check_inputs, print_check, write_page, write_refusal
    from audit.run.inputs import is_engagement

    # A check is read on the screen: it and its page speak the console's language, whatever the report will.
    spoken = lang or _user_language()
    known: Inputs | None = None
    try:
        known = _inputs(folder, orders, questionnaire, settings, lang=spoken, engine=engine)
        result = check_inputs(known)
        page = None if folder is None else write_page(result, folder)
    except AuditError as e:
        if folder is None or not is_engagement(folder):
            raise
        _fail(e, write_refusal(e, folder, None if known is None else known.settings, current_language()))
    if as_json:
        _print_json({**result.as_json(), "page": None if page is None else str(page)})
    else:
        print_check(result, _console())
        if page is not None:
            _print_page(_console(), page)
    return 0 if result.usable else EXIT_INPUT


@_command
def render(
    run_folder: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run.")],
    as_json: JsonOption = False,
) -> int:
    """Make the report again from the (edited) executed notebooks; nothing is recomputed."""
    from audit.run.rendering import render_again

    rendered = render_again(run_folder)
    if as_json:
        _print_json(
            {
                "status": "done",
                "report_html": str(run_folder / "report.html"),
                "pdf_engine": rendered.pdf_engine,
                "notes": [str(n) for n in rendered.notes],
            }
        )
    else:
        for note in rendered.notes:
            _console().print(escape(str(note)))
        _console().print(f"{_say('Отчёт', 'Report')}: {escape(str(run_folder / 'report.html'))}", soft_wrap=True)
    return 0


@_command
def lab(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Engagement folder, or the folder of a finished run.")],
    no_browser: Annotated[bool, typer.Option("--no-browser", help="Print the address, open no browser.")] = False,
    port: Annotated[int | None, typer.Option("--port", min=1, max=65535, help="Port to serve on.")] = None,
    lang: LangOption = None,
) -> int:
    """Open the engagement in the browser: from the exports to the report by clicks, and its notebooks in JupyterLab.

    A folder that is new or empty becomes an engagement by the first click. Of a finished run its own notebooks open.
    """
    from audit.run.inputs import engagement_inputs, is_engagement
    from audit.run.lab import WORKBENCH, engagement_of, make_copies, open_lab, run_of

    console = _console(stderr=True)
    run = run_of(folder)
    if run is not None:
        console.print(
            _say("Ноутбуки готового аудита; правки войдут в отчёт: km-audit render ", "Notebooks of a finished run; ")
            + _say("", "edits enter the report: km-audit render ")
            + escape(quoted(folder)),
            soft_wrap=True,
        )
        if is_engagement(home := engagement_of(run)):
            beside = make_copies(engagement_inputs(home, orders_needed=False)).folder / WORKBENCH
            told = _say("Верстак, откуда берут ячейки", "The workbench to take cells from")
            console.print(f"{told}: {escape(str(beside))}", soft_wrap=True)
    else:
        _print_copies(console, folder, lang)
    return EXIT_INPUT if open_lab(folder, browser=not no_browser, port=port) else 0


def _print_copies(console: Console, folder: Path, lang: Lang | None) -> None:
    """Make the notebooks of an engagement and say what became of them."""
    from audit.run.inputs import engagement_inputs, is_engagement, override
    from audit.run.lab import make_copies

    if not folder.exists():
        folder.mkdir(parents=True)
    ours = is_engagement(folder) or (folder / "notebooks").is_dir()
    if folder.is_file() or (not ours and any(not p.name.startswith(".") for p in folder.iterdir())):
        raise ParameterError(
            Text(f"{folder} — не папка проекта и не пуста", f"{folder} is no engagement folder, and not empty"),
            todo=Text(
                f"Назовите новую папку, или сделайте её: km-audit new {quoted(folder)}",
                f"Name a new folder, or make it one: km-audit new {quoted(folder)}",
            ),
        )
    inputs = engagement_inputs(folder, orders_needed=False)
    _speak(lang, inputs.settings.report.lang)
    copies = make_copies(replace(inputs, settings=override(inputs.settings, {"report": {"lang": lang}})))
    n = len(copies.made)
    new = _say(f" (новых: {n})", f" (new: {n})") if n else ""
    console.print(f"{_say('Ноутбуки', 'Notebooks')}: {escape(str(copies.folder))}{new}", soft_wrap=True)
    for names, told in (
        (copies.renewed, _say("обновлены", "renewed")),
        (copies.edited, _say("ваши правки сохранены", "kept with your edits")),
        (
            copies.outdated,
            _say(
                "сделаны из прежней версии комплекта; чтобы взять новую, уберите файл",
                "made from an older kit; to take the new one, move the file away",
            ),
        ),
    ):
        if names:
            console.print(f"  {told}: [dim]{escape(', '.join(names))}[/]")
    for line in (
        _say("Открывается страница аудита: нажмите на ней ▶▶", "The page of the audit opens: press ▶▶ on it"),
        _say(
            "Закончить: Ctrl+C здесь; сделанное лежит в папке",
            "To end: Ctrl+C here; all that was done is in the folder",
        ),
        _say("Правки ноутбуков войдут в отчёт: km-audit run ", "Edits of the notebooks enter the report: km-audit run ")
        + escape(quoted(folder)),
    ):
        console.print(line, soft_wrap=True)


def _print_comparison(console: Console, content: Any) -> None:
    from rich.table import Table

    from audit.present.compare import ComparisonView

    view = ComparisonView(content)
    console.print(f"[bold]{escape(str(view.verdict().unescape()))}[/]")
    console.print(escape(view.plain("verdict", "lead", **view.counts())))
    if worth := view.worth():
        console.print(escape(worth))
    for told in view.editions():
        console.print(f"[yellow]![/] {escape(told)}")
    moved = [m for m in content["metrics"] if m["verdict"] in ("better", "worse", "shifted")]
    if moved:
        table = Table(box=None, pad_edge=False, header_style="dim")
        for key in ("measure", "old", "new", "delta", "verdict"):
            table.add_column(view.word("figures", "head", key), overflow="fold")
        for m in moved:
            table.add_row(
                escape(view.name(m["id"])),
                view.value(m["old"], m["unit"]),
                view.value(m["new"], m["unit"]),
                view.delta(m),
                view.verdict_word(m),
            )
        console.print(table)
    if unjudged := content["counts"]["metrics"].get("unjudged", 0):
        console.print(f"[dim]{escape(view.plain('figures', 'unjudged', n=unjudged))}[/]")
    for f in content["findings"]:
        if f["change"] != "same":
            old, new = (_MARKS[f[s]["status"]] for s in ("old", "new"))
            told = view.word("findings", "change", f["change"])
            console.print(f"  {old} → {new} {escape(view.name(f['id']))}  [dim]{escape(told)}[/]")
    for a in content["actions"]:
        told = view.word("actions", "status", a["status"])
        console.print(f"  {escape(view.name(a['id']))}: [bold]{escape(told)}[/]")
    windows = content["windows"]
    if windows["overlap_days"]:
        console.print(
            "[dim]* "
            + escape(
                view.plain(
                    "care",
                    "overlap",
                    days=windows["overlap_days"],
                    share=windows["overlap_share"],
                    recent=windows["recent_overlap_days"],
                )
            )
            + "[/]"
        )


@_command
def compare(
    old: Annotated[Path, typer.Argument(metavar="OLD", help="The earlier run: its folder or findings.json.")],
    new: Annotated[Path, typer.Argument(metavar="NEW", help="The later run: its folder or findings.json.")],
    out: Annotated[Path, typer.Option("--out", help="Folder for compare.html, .pdf and .json.")] = Path(
        "km-audit-compare"
    ),
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> int:
    """Compare a follow-up audit with the baseline: what moved, beyond chance or not, which targets are met."""
    from audit.run.compare import compare_runs, read_run, write_comparison

    done = compare_runs(read_run(old), read_run(new), lang)
    made, note = write_comparison(done, out)
    if as_json:
        _print_json(
            {
                "status": "done",
                "files": [str(p) for p in made],
                "counts": done.content["counts"],
                "windows": done.content["windows"],
            }
        )
        return 0
    console = _console()
    _print_comparison(console, done.content)
    if note is not None:
        console.print(escape(str(note)))
    for path in made:
        console.print(escape(str(path)), soft_wrap=True)
    return 0


@_command
def track(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Engagement folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for track.html and findings-track.csv; default: DIR/track.")
    ] = None,
    alert: Annotated[
        Alert | None,
        typer.Option(
            "--alert",
            help="Exit code 4 where a check is newly found (found), or a figure got worse beyond chance (worse).",
            metavar="found|worse",
        ),
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> int:
    """Follow an engagement over time: its runs, every past quarter-end that the orders allow, and the newest data."""
    from audit.present.track import TrackView
    from audit.run.inputs import engagement_inputs
    from audit.run.track import alarms, track_engagement, write_track

    inputs = engagement_inputs(folder)
    _speak(lang, inputs.settings.report.lang)
    progress = _console(stderr=True)

    def tell(day: Any) -> None:
        if not as_json:
            progress.print(f"[dim]{_say('считается', 'computing')} {day}[/]")

    done = track_engagement(inputs, lang, tell)
    made = write_track(done, folder / "track" if out is None else out)
    rung = alarms(done, alert) if alert is not None else []
    code = EXIT_ALARM if rung else 0
    if as_json:
        moved = [m["id"] for m in done.content["metrics"] if m["move"] and "since" in m["move"]]
        _print_json(
            {
                "status": "alarm" if rung else "done",
                "files": [str(p) for p in made],
                "alarms": rung,
                "moved": moved,
                "newly_found": alarms(done, "found"),
                "changes": done.content["changes"],
                "unread": done.content["unread"],
            }
        )
        return code
    view = TrackView(done.content)
    console = _console()
    console.print(f"[bold]{escape(str(view.verdict().unescape()))}[/]")
    for line in [view.newly(f) for f in view.news()] + [view.move(m) for m in view.moved()]:
        console.print(f"  {escape(line)}")
    for line in view.warnings():
        console.print(f"[yellow]![/] {escape(line)}")
    for path in made:
        console.print(escape(str(path)), soft_wrap=True)
    if rung:
        console.print(f"[bold]{_say('Сигнал', 'Signal')}:[/] {', '.join(rung)}")
    return code


@_command
def week(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Engagement folder.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder for week.html and week.txt; default: DIR/track.")
    ] = None,
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> int:
    """Tell the head of sales the three numbers of the week: one page of one screen, one line of text; no names."""
    from audit.run.inputs import engagement_inputs
    from audit.run.week import week_numbers, write_week

    inputs = engagement_inputs(folder)
    _speak(lang, inputs.settings.report.lang)
    numbers = week_numbers(inputs)
    made, line = write_week(numbers, lang or inputs.settings.report.lang, folder / "track" if out is None else out)
    if as_json:
        _print_json({"status": "done", "files": [str(p) for p in made], "line": line, "numbers": numbers})
        return 0
    sys.stdout.write(line + "\n")
    return 0


@_command
def batch(
    folders: Annotated[list[str], typer.Argument(metavar="DIR...", help="Engagement folders, or patterns.")],
    jobs: Annotated[int, typer.Option("--jobs", min=1, help="Engagements at once.")] = 2,
    lang: LangOption = None,
    deck: Annotated[bool, typer.Option("--deck", help="Also make deck.pptx of each.")] = False,
    benchmarks: Annotated[
        Path | None,
        typer.Option(
            "--benchmarks", help="File that keeps anonymous figures of the audits, to compare later ones with."
        ),
    ] = None,
    as_json: JsonOption = False,
) -> int:
    """Run many engagements; one failing does not stop the rest. Exit code: 0 all whole, 3 some failed, 1 all failed."""
    from rich.table import Table

    from audit.run.batch import exit_code, expand_folders, run_batch, told_apart

    progress = _console(stderr=True)
    given = expand_folders(folders)
    short = dict(zip(map(str, given), told_apart(given), strict=True))

    def ended(row: Any) -> None:
        mark = {"done": "[green]✓[/]", "failed_chapters": "[yellow]✗[/]", "error": "[red]✗[/]"}[row.status]
        if not as_json:
            progress.print(
                f"{mark} {escape(row.company)} ({escape(short[row.folder])})  [dim]{row.seconds:.1f} {_say('с', 's')}[/]"
            )

    rows = run_batch(given, jobs=jobs, lang=lang, deck=deck, benchmarks=benchmarks, on_end=ended)
    code = exit_code(rows)
    if as_json:
        _print_json(
            {
                "status": {0: "done", 1: "error", 3: "failed_engagements"}[code],
                "engagements": [r.as_json() for r in rows],
            }
        )
        return code
    table = Table(box=None, pad_edge=False, header_style="dim")
    heads = (
        _say("компания", "company"),
        _say("папка", "folder"),
        _MARKS["found"],
        _MARKS["watch"],
        _MARKS["clear"],
        _MARKS["unclear"],
        _MARKS["not_assessed"],
        _say("ошибка", "error"),
    )
    for k, head in enumerate(heads):
        table.add_column(head, justify="right" if 2 <= k <= 6 else "left", overflow="fold")
    for r in rows:
        figures = [
            str(n) if r.status != "error" else "" for n in (r.found, r.watch, r.clear, r.unclear, r.not_assessed)
        ]
        table.add_row(escape(r.company), escape(short[r.folder]), *figures, f"[red]{escape(r.error)}[/]")
    if not any(r.error for r in rows):
        table.columns.pop()
    _console().print(table)
    for r in rows:
        if r.report:  # a line of its own, never cut: it is there to be copied
            _console().print(f"{escape(short[r.folder])}: {escape(r.report)}", soft_wrap=True)
    words = (
        _say("выявлено", "found"),
        _say("под наблюдением", "watch"),
        _say("в норме", "clear"),
        _say("нельзя сказать", "cannot tell"),
        _say("не оценено", "not assessed"),
    )
    _console().print("[dim]" + ", ".join(f"{m} {w}" for m, w in zip(_MARKS.values(), words, strict=True)) + "[/]")
    return code


@_command
def explain(
    id: Annotated[str, typer.Argument(metavar="ID", help="A finding, metric, threshold, function or role.")],
    lang: LangOption = None,
    as_json: JsonOption = False,
) -> int:
    """Explain an id: definition, formula, threshold, source."""
    from audit.present.explain import explain_id

    told = explain_id(id, current_language())
    if as_json:
        _print_json(told.as_json())
    else:
        console = _console()
        console.print(f"[bold]{escape(told.title)}[/]  [dim]{escape(told.id)}[/]")
        for name, text in told.lines:
            console.print(f"[bold]{escape(name)}:[/] {escape(text)}")
    return 0


@_command
def new(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The engagement folder to make.")],
    lang: LangOption = None,
) -> int:
    """Make an engagement folder: blank questionnaire, order template, letter of request, audit.toml."""
    from audit.present.forms import new_engagement

    console = _console()
    for path in new_engagement(folder, current_language()):
        console.print(f"  {escape(str(path))}", soft_wrap=True)
    steps = (
        _say("Клиенту: письмо и анкета", "To the client: letter and questionnaire") + f" ({folder / 'letter.html'})",
        _say("Сюда: его выгрузки", "Back from the client: exports")
        + f" ({folder / 'orders'})"
        + _say(" и анкета", ", questionnaire")
        + f" ({folder})",
        _say("Проверить: ", "Check: ")
        + f"km-audit check {quoted(folder)}"
        + _say(" или в браузере ", " or in the browser ")
        + f"km-audit lab {quoted(folder)}",
    )
    console.print(_say("Дальше", "Next"))
    for number, step in enumerate(steps, 1):
        console.print(f"  {number}. {escape(step)}", soft_wrap=True)
    return 0


@_command
def forms(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Engagement folder.")],
    lang: LangOption = None,
    person: Annotated[
        list[str] | None, typer.Option("--person", help="Code of a person; may be repeated; default: all.")
    ] = None,
    clients: Annotated[bool, typer.Option("--clients", help="Put names of clients into the personal forms.")] = False,
    names: Annotated[bool, typer.Option("--names", help="Show persons by name instead of by code.")] = False,
    as_json: JsonOption = False,
) -> int:
    """Make the forms to be filled in, into DIR/forms: working day, time sheet, key clients."""
    from audit.run.forms import make_forms
    from audit.run.inputs import engagement_inputs, override

    inputs = engagement_inputs(folder, orders_needed=False)
    changes = {"report": {"lang": lang, "names": True if names else None}}
    inputs = replace(inputs, settings=override(inputs.settings, changes))
    _speak(lang, inputs.settings.report.lang)
    made = make_forms(inputs, person or (), clients=clients)
    if as_json:
        files = [{"form": str(form.name), "files": [str(p) for p in paths]} for form, paths in made.forms]
        _print_json(
            {"status": "done", "forms": files, "notes": [str(n) for n in made.notes], "returns": str(made.returns)}
        )
        return 0
    console = _console()
    for form, paths in made.forms:
        none = (
            _say(" — у названных сотрудников составлять не из чего", " — nothing to make it from for these persons")
            if person
            else _say(" — по этим данным составлять не из чего", " — these data give nothing to make it from")
        )
        told = f"{escape(str(form.name))}: {len(paths)}{'' if paths else none}"
        console.print(
            told + "".join(f"\n  {escape(str(p))}" for p in paths[:3]) + ("\n  …" if len(paths) > 3 else ""),
            soft_wrap=True,
        )
    for note in made.notes:
        console.print(f"[yellow]![/] {escape(str(note))}")
    back = made.returns
    after = _say(
        f"Дальше: разошлите; что вернётся, положите в {back}, затем: km-audit check {quoted(folder)}",
        f"Next: send them out; put what comes back in {back}, then: km-audit check {quoted(folder)}",
    )
    console.print(escape(after), soft_wrap=True)
    return 0


def main() -> None:
    """Entry point of the command."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:  # closed by whoever started us
            setattr(sys, name, open(os.devnull, "w", encoding="utf-8"))  # noqa: SIM115 - open as long as we live
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):  # Windows consoles and pipes default to a legacy code page
            stream.reconfigure(encoding="utf-8", errors="replace")
    app()
