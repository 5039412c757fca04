"""The docs tell the truth: commands run, settings load, links lead somewhere, both languages say the same.

Commands stand in ``sh`` blocks and are run one after another in a folder that looks as the docs assume: an engagement
``acme`` with orders and a questionnaire, and the named files beside it. What is not run here is on the list `NOT_RUN`
with its reason, and its arguments are still parsed. An audit of files that were audited before is not computed again:
the later ``run`` gets a copy of the earlier one's folder. ``KM_AUDIT_EVERY_RUN=1`` runs all of it for real.
"""

from __future__ import annotations

import ast
import contextlib
import contextvars
import importlib.util
import os
import re
import shlex
import shutil
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.testing import CliRunner

from audit.cli import app
from audit.errors import Lang
from audit.method import method
from audit.present.report import glossary
from audit.resources import resource_dir
from audit.run import pipeline
from audit.run.inputs import Inputs
from audit.run.peers import read_peers
from audit.run.pipeline import RunResult
from audit.settings import settings_from_mapping

ROOT = Path(__file__).resolve().parent.parent
PAGES = [
    ROOT / "README.md",
    ROOT / "README.ru.md",
    ROOT / "CONTRIBUTING.md",
    ROOT / "CHANGELOG.md",
    *sorted((ROOT / "docs").glob("*.md")),
]
PAIRS = [(p.with_name(p.name.replace(".ru.md", ".md")), p) for p in PAGES if p.name.endswith(".ru.md")]
EVERY_RUN = bool(os.environ.get("KM_AUDIT_EVERY_RUN"))

NOT_RUN = {
    "make": "installs packages; this test is started by it",
    "conda": "needs conda; tests/test_setup.py keeps environment.yml and the locks together",
    "python tools/bootstrap.py": "installs packages, as make does",
    "pip": "installs packages into the environment that runs this test",
    "source": "the shell's own word",
    "km-audit check --orders spark:sales.dwh.order_lines": "needs a cluster: tests/engine/test_spark_cluster.py",
    "km-audit lab": "a server that runs until it is stopped: tests/run/test_lab.py",
}
"""How a command begins that is never run here, and why."""
NOT_RUN_BY_DEFAULT = {
    "km-audit demo": "the whole audit of the bundled sample: tests/run/test_pipeline.py runs it on the same files",
    "km-audit batch": "runs of their own in processes of their own: the one with --benchmarks is run, and tests/run/test_batch.py",
}
"""What only ``KM_AUDIT_EVERY_RUN`` runs."""


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    kind: str
    text: str

    @property
    def place(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks(*pages: Path) -> list[Block]:
    out = []
    for page in pages:
        text = page.read_text(encoding="utf-8")
        for found in re.finditer(r"^```(\w*)\n(.*?)^```$", text, re.MULTILINE | re.DOTALL):
            if found[2].startswith(("# add to: ", "--- ")):
                continue  # changes of the tree: tests/test_adding_a_finding.py makes them
            out.append(Block(page, text.count("\n", 0, found.start()) + 1, found[1], found[2]))
    return out


def tokens(line: str) -> list[str]:
    """Return the words of a command line, without its remark; ``python -m audit`` is ``km-audit``."""
    words = shlex.split(line, comments=True)
    return ["km-audit", *words[3:]] if words[:3] == ["python", "-m", "audit"] else words


def commands() -> list[tuple[str, list[str]]]:
    """Return every command of the docs with where it stands first; equal ones once, whatever their language."""
    out: dict[tuple[str, ...], tuple[str, list[str]]] = {}
    for block in blocks(*PAGES):
        if block.kind == "sh":
            for line in block.text.splitlines():
                if words := tokens(line):
                    out.setdefault(without_language(words), (block.place, words))
    return list(out.values())


def without_language(words: list[str]) -> tuple[str, ...]:
    drop = {i for i, w in enumerate(words) if w == "--lang"}
    return tuple(w for i, w in enumerate(words) if i not in drop and i - 1 not in drop)


def starts(words: list[str], listed: dict[str, str]) -> bool:
    return any(words[: len(key.split())] == key.split() for key in listed)


def prose(page: Path) -> str:
    """Return a page without its fenced blocks."""
    return re.sub(r"^```.*?^```$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE | re.DOTALL)


# -- printed pages, links, languages -----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["settings.md", "catalogue.md"])
def test_printed_pages_are_fresh(root: Path, name: str) -> None:
    spec = importlib.util.spec_from_file_location("make_docs", root / "tools" / "make_docs.py")
    assert spec is not None and spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    assert (root / "docs" / name).read_text(encoding="utf-8") == tool.PAGES[name](), "run python tools/make_docs.py"


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, made as GitHub makes them."""
    out: set[str] = set()
    for heading in re.findall(r"^#{1,6} +(.+?) *$", prose(page), re.MULTILINE):
        plain = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        again = sum(1 for a in out if re.fullmatch(re.escape(plain) + r"(-\d+)?", a))
        out.add(f"{plain}-{again}" if again else plain)
    return out


def test_links_lead_somewhere() -> None:
    broken = []
    for page in PAGES:
        for target in re.findall(r"\]\(([^)\s]+)\)", prose(page)):
            path, _, anchor = target.partition("#")
            if "://" in target:
                continue
            file = (page.parent / path).resolve() if path else page
            if not file.exists() or ROOT not in (file, *file.parents):
                broken.append(f"{page.name}: {target}")
            elif anchor and anchor not in anchors(file):
                broken.append(f"{page.name}: {target} has no such heading")
    assert broken == []


def test_every_page_can_be_reached_from_the_readme_of_its_language() -> None:
    def linked(page: Path) -> set[Path]:
        targets = re.findall(r"\]\(([^)#\s]+\.md)(?:#[^)]*)?\)", prose(page))
        return {(page.parent / t).resolve() for t in targets if "://" not in t}

    for start, ending in ((ROOT / "README.md", ".md"), (ROOT / "README.ru.md", ".ru.md")):
        reached, new = {start}, {start}
        while new:
            new = {q for p in new for q in linked(p) if q in PAGES} - reached
            reached |= new
        mine = {p for p in PAGES if p.name.endswith(ending) and (ending == ".ru.md" or ".ru." not in p.name)}
        assert mine <= reached, f"{start.name} does not lead to {sorted(p.name for p in mine - reached)}"


def test_every_page_that_users_read_is_there_in_russian() -> None:
    assert {p.name for _, p in PAIRS} == {
        "README.ru.md",
        "analyst.ru.md",
        "consultant.ru.md",
        "executive.ru.md",
        "file-traps.ru.md",
        "forms.ru.md",
        "glossary.ru.md",
        "install.ru.md",
        "methods.ru.md",
        "spark.ru.md",
    }


@pytest.mark.parametrize(("english", "russian"), PAIRS, ids=lambda p: p.name)
def test_both_languages_have_the_same_content(english: Path, russian: Path) -> None:
    def shape(page: Path) -> list[str]:
        """Headings, list items, table rows and blocks in their order, by kind."""
        lines = page.read_text(encoding="utf-8").splitlines()
        kinds = (re.match(r"#+ |- |\d+\. |\||```\w*|!\[|> ", line) for line in lines)
        return [re.sub(r"\d+", "1", k[0]) for k in kinds if k]

    def code(page: Path) -> list[Any]:
        """What the blocks say apart from remarks, names and the language asked for."""
        out: list[Any] = []
        for b in blocks(page):
            if b.kind == "sh":
                out.append([without_language(w)[:2] for line in b.text.splitlines() if (w := tokens(line))])
            elif b.kind == "toml":
                out.append(sorted((s, k) for s, v in tomllib.loads(b.text).items() for k in v if isinstance(k, str)))
            elif b.kind == "python":
                out.append(ast.dump(ast.parse(b.text)).replace("value='ru'", "value='en'"))
        return out

    def links(page: Path) -> set[str]:
        found = re.findall(r"\]\(([^)#\s]+)", prose(page))
        both = {russian.name: english.name}
        return {re.sub(r"\.ru\.md$", ".md", both.get(t, t)).replace("-ru.png", "-en.png") for t in found} - {
            english.name
        }

    assert shape(russian) == shape(english)
    assert code(russian) == code(english)
    assert links(russian) == links(english)


@pytest.mark.parametrize("lang", ["en", "ru"])
def test_the_glossary_has_every_term_of_the_reports(root: Path, lang: Lang) -> None:
    page = (root / "docs" / ("glossary.md" if lang == "en" else "glossary.ru.md")).read_text(encoding="utf-8").lower()
    assert [t.term for t in glossary(lang) if t.term.lower() not in page] == []


def test_the_docs_name_no_place_of_one_machine() -> None:
    for page in PAGES:
        found = re.search(r"(?<![\w.])/(?:work|root|home|tmp|usr|mnt)\b", page.read_text(encoding="utf-8"))
        assert found is None, f"{page.name}: {found}"


# -- commands ----------------------------------------------------------------------------------------------------------


def parse(words: list[str], place: str) -> None:
    """Parse the arguments of a ``km-audit`` command as the command line would."""
    known: dict[str, Any] = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    assert words[1] in known, f"{place}: km-audit {words[1]}"
    try:
        known[words[1]].make_context(words[1], words[2:]).close()
    except Exception as e:
        if not hasattr(e, "format_message"):  # typer's own copy of click has no public name
            raise
        pytest.fail(f"{place}: {' '.join(words)}: {e.format_message()}")


def test_every_block_says_what_it_is() -> None:
    kinds = {b.kind for b in blocks(*PAGES)}
    assert kinds <= {"sh", "python", "toml", "text"}, "a block without a kind escapes these tests"


def test_commands_in_the_text_can_be_parsed() -> None:
    seen = 0
    for page in PAGES:
        for span in re.findall(r"`((?:km-audit|python -m audit) [^`]+)`", prose(page)):
            words = tokens(span)
            seen += 1
            root = typer.main.get_command(app)
            if words[1].startswith("--"):
                assert words[1] in {o for p in root.params for o in p.opts}, f"{page.name}: {span}"
                continue
            if (words[1].isupper() and words[2:] == ["--help"]) or words[1] == "КОМАНДА":
                continue  # any of them
            if len(words) > 2:
                parse(words, page.name)
            assert words[1] in root.commands, f"{page.name}: {span}"  # type: ignore[attr-defined]
    assert seen > 10


def test_make_targets_named_in_the_docs_exist(root: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    for page in PAGES:
        text = page.read_text(encoding="utf-8")
        for name in re.findall(r"(?:^|`)make ([a-z]+)\b", text, re.MULTILINE):
            assert name in targets, f"{page.name}: make {name}"
        for file in re.findall(r"\b(?:tools|notebooks|benchmarks|tests)/[\w/]+\.(?:py|ipynb|md)\b", text):
            assert (root / file).is_file(), f"{page.name}: {file}"


def test_every_command_has_help() -> None:
    for name, command in typer.main.get_command(app).commands.items():  # type: ignore[attr-defined]
        assert command.help and command.help.strip(), name
        for parameter in command.params:
            told = getattr(parameter, "help", None)
            assert told or parameter.name == "help", f"{name}: {parameter.name} has no help"


def small_orders(path: Path) -> None:
    """Some orders of the bundled sample: enough for every chapter to run, few enough to be quick."""
    lines = (resource_dir("data_samples") / "khimsnab" / "orders" / "orders_2025.csv").read_text(encoding="utf-8-sig")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines.splitlines()[:250]) + "\n", encoding="utf-8")


def sharing(real: Callable[..., RunResult]) -> Callable[..., RunResult]:
    """Let a second audit of the same files have a copy of the first one's folder."""
    made: dict[bytes, RunResult] = {}

    def run_audit(inputs: Inputs, out: Path | None = None, **options: Any) -> RunResult:
        files = sorted(p for source in inputs.orders for p in Path().glob(source))
        key = b"".join(p.read_bytes() for p in files if p.is_file())
        if key not in made or options.get("chapters"):
            made[key] = real(inputs, out, **options)
            return made[key]
        first = made[key]
        target = out.absolute() if out is not None else first.folder.with_name("20990101T000000Z")
        left_out = None if options.get("deck") else shutil.ignore_patterns("deck.*")
        shutil.copytree(first.folder, target, ignore=left_out, dirs_exist_ok=True)
        return replace(first, folder=target)

    return run_audit


class Desk:
    """A folder in which the docs are tried out, and what has been run in it."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.done: dict[tuple[str, ...], tuple[int, str]] = {}

    def run(self, words: list[str]) -> tuple[int, str]:
        """Run a command once; the second time return what it said the first."""
        key = without_language(words)
        if key not in self.done:
            with contextlib.chdir(self.place):
                # a context of its own: the language of messages is left as it was
                result = contextvars.copy_context().run(CliRunner().invoke, app, words[1:])
            told = result.output + (repr(result.exception) if result.exception else "")
            self.done[key] = (result.exit_code, told)
        return self.done[key]


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """The folder as the docs assume it, made by their own first commands; one audit is run in it."""
    place = tmp_path_factory.mktemp("docs")
    desk = Desk(place)
    answers = resource_dir("data_samples") / "khimsnab" / "questionnaire.xlsx"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KM_AUDIT_LANG", "en")
        if not EVERY_RUN:
            patch.setattr(pipeline, "run_audit", sharing(pipeline.run_audit))
        code, told = desk.run(["km-audit", "new", "acme", "--lang", "en"])
        assert code == 0, told
        small_orders(place / "acme" / "orders" / "orders.csv")
        shutil.copyfile(answers, place / "acme" / "questionnaire.xlsx")
        for name in ("export.csv", "выгрузка.csv", "orders.csv"):
            small_orders(place / name)
        for name in ("answers.xlsx", "анкета.xlsx"):
            shutil.copyfile(answers, place / name)
        small_orders(place / "clients" / "first" / "orders" / "orders.csv")
        code, told = desk.run(["km-audit", "run", "acme", "--deck"])
        assert code == 0, told
        # the audit of half a year ago, which the docs compare with
        shutil.copytree(place / "acme" / "runs" / "latest", place / "acme" / "runs" / "20250401T090000Z")
        yield desk


@pytest.mark.slow
@pytest.mark.parametrize(("where", "words"), commands(), ids=lambda v: v if isinstance(v, str) else " ".join(v))
def test_command(desk: Desk, where: str, words: list[str]) -> None:
    if words[0] == "km-audit":
        parse(words, where)
    skipped = starts(words, NOT_RUN_BY_DEFAULT) and not EVERY_RUN and "--benchmarks" not in words
    if starts(words, NOT_RUN) or skipped:
        return
    assert words[0] == "km-audit", f"{where}: neither run nor on the list of what is not: {' '.join(words)}"
    code, told = desk.run(words)
    assert code == 0, f"{where}: {' '.join(words)}\n{told}"
    assert "Traceback" not in told and told.strip()


@pytest.mark.parametrize(
    ("page", "says"),
    [
        ("README.md", "{} findings"),
        ("README.ru.md", "{} вывод"),
        ("docs/consultant.md", "/ {}**"),
        ("docs/consultant.ru.md", "/ {}**"),
    ],
)
def test_the_docs_count_the_findings_of_the_catalogue(page: str, says: str) -> None:
    assert says.format(len(method().findings)) in (ROOT / page).read_text(encoding="utf-8")


@pytest.mark.slow
def test_the_commands_left_what_the_docs_promise(desk: Desk) -> None:
    table = re.findall(r"^\| `([\w./]+)` \|", (ROOT / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    assert len(table) == 8
    for name in table:
        assert (desk.place / "acme" / "runs" / "latest" / name).exists(), name
    assert list((desk.place / "acme" / "runs").glob("*/deck.pptx")), "run --deck adds the slides"
    consultant = (ROOT / "docs" / "consultant.md").read_text(encoding="utf-8")
    for name in re.findall(r"^\| `([\w./]+)` \|", consultant, re.MULTILINE):
        assert (desk.place / "acme" / name).exists(), name
    notebooks = {p.name for p in (desk.place / "acme" / "runs" / "latest" / "notebooks").iterdir()}
    named = set(re.findall(r"`(\d\d_\w+\.ipynb)`", (ROOT / "docs" / "analyst.md").read_text(encoding="utf-8")))
    assert named == notebooks
    kept = desk.place / "benchmarks.json"
    assert [r["sale_type"] for r in read_peers(kept)] == ["TC"] and "first" not in kept.read_text(encoding="utf-8")


# -- Python and settings -----------------------------------------------------------------------------------------------


def python_blocks() -> list[Block]:
    out: dict[str, Block] = {}
    for b in blocks(*PAGES):
        if b.kind == "python":
            out.setdefault(ast.dump(ast.parse(b.text)), b)
    return list(out.values())


@pytest.mark.slow
@pytest.mark.parametrize("block", python_blocks(), ids=lambda b: b.place)
def test_python(desk: Desk, block: Block) -> None:
    folder = desk.place / "acme" if 'orders="orders"' in block.text else desk.place
    with contextlib.chdir(folder):
        values: dict[str, Any] = {}
        contextvars.copy_context().run(exec, compile(block.text, block.place, "exec"), values)
    if "case" in values:
        values["case"].close()


@pytest.mark.parametrize("block", [b for b in blocks(*PAGES) if b.kind == "toml"], ids=lambda b: b.place)
def test_settings(block: Block) -> None:
    settings = settings_from_mapping(tomllib.loads(block.text), block.place)
    method().thresholds.override(settings.thresholds)
    assert settings != settings_from_mapping({}), "the block sets something" if block.page.name != "settings.md" else ""
