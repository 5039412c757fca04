"""The house keeps its import direction: each layer imports only from those to its left."""

from __future__ import annotations

import ast
import os
import re
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import audit
from audit.resources import resource_dir

LAYERS = (
    "errors",
    "resources",
    "settings",
    "method",
    "engine",
    "model",
    "intake",
    "stats",
    "ground",
    "findings",
    "present",
    "chapters",
    "run",
    "cli",
)
"""From left to right. intake and stats stand side by side."""
SIDE_BY_SIDE = {"intake": {"stats"}, "stats": {"intake"}}
NOT_FOR_CHAPTERS = {"intake"}
ROOT = Path(audit.__file__).parent


MODULES = {
    ".".join(p.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): p for p in ROOT.rglob("*.py")
}
"""Every module of the kit with its file; a package is its ``__init__``."""


def layer_of(module: str) -> str | None:
    parts = module.split(".")
    return parts[1] if len(parts) > 1 and parts[0] == "audit" else None


def imports(path: Path) -> set[str]:
    """Layers that a file imports at run time."""
    return {name for name in map(layer_of, imported(path)) if name is not None}


def imported(path: Path) -> set[str]:
    """Modules that a file imports at run time, also inside a function.

    An `if TYPE_CHECKING:` block does not count.
    """
    found: set[str] = set()

    def visit(node: ast.AST) -> None:
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        if isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            wholes = (f"{node.module}.{a.name}" for a in node.names)
            found.update(name if name in MODULES else node.module for name in wholes)
        if isinstance(node, ast.Import):
            found.update(a.name for a in node.names)
        assert not (isinstance(node, ast.ImportFrom) and node.level > 0), f"{path}: relative import"
        for child in ast.iter_child_nodes(node):
            visit(child)

    visit(ast.parse(path.read_text(encoding="utf-8")))
    return found


def test_imports_go_only_to_the_left() -> None:
    wrong = []
    seen = set()
    for path in sorted(ROOT.rglob("*.py")):
        parts = path.relative_to(ROOT).with_suffix("").parts
        if parts in (("__init__",), ("__main__",)):
            continue
        layer = parts[0]
        assert layer in LAYERS, f"{path} belongs to no layer"
        seen.add(layer)
        allowed = set(LAYERS[: LAYERS.index(layer) + 1]) - SIDE_BY_SIDE.get(layer, set())
        if LAYERS.index(layer) >= LAYERS.index("ground") and layer in ("ground", "findings", "present", "chapters"):
            allowed -= NOT_FOR_CHAPTERS
        for name in imports(path) - allowed:
            wrong.append(f"{path.relative_to(ROOT)} imports audit.{name}")
    assert wrong == []
    assert seen == set(LAYERS), "a layer is empty or new"


PARTS = {
    "prices": {"measure", "verdicts"},
    "verdicts": {"measure"},
    "sections": {"measure"},
    "charts": {"measure", "verdicts", "sections"},
}
"""What a part of a room may not import of its own room: numbers come before verdicts, verdicts before pages."""
ASKS = {"selfcheck": {"retention", "clients"}}
"""The one exception: the self-check asks two rooms for figures that its questions are about."""


def test_a_room_knows_no_other_room_and_keeps_figures_verdicts_and_pages_apart() -> None:
    wrong = []
    for path in sorted((ROOT / "chapters").glob("*/*.py")):
        room, part = path.parent.name, path.stem
        seen = [name.split(".") for name in imported(path) if name.startswith("audit.")]
        for name in seen:
            if name[1] == "chapters" and name[2:3] != [room] and name[2:3] not in [[r] for r in ASKS.get(room, ())]:
                wrong.append(f"{room}/{part} imports {'.'.join(name)}")
            if name[1:3] == ["chapters", room] and name[3:4] and name[3] in PARTS.get(part, set()):
                wrong.append(f"{room}/{part} imports its own {name[3]}")
            if part not in ("prices", "verdicts", "sections", "charts") and name[1] in ("findings", "present"):
                wrong.append(f"{room}/{part} measures and imports audit.{name[1]}")
            if part in ("prices", "verdicts") and name[1] == "present":
                wrong.append(f"{room}/{part} imports audit.present")
        for other in re.findall(r'"audit\.chapters\.(\w+)"', path.read_text(encoding="utf-8")):
            if other != room and other not in ASKS.get(room, ()):
                wrong.append(f"{room}/{part} reads the SQL of {other}")
    assert wrong == []


def test_no_module_imports_another_in_a_circle() -> None:
    order = TopologicalSorter({name: imported(path) & MODULES.keys() for name, path in MODULES.items()})
    order.prepare()  # raises CycleError, which names the circle


@pytest.mark.parametrize("command", ["check", "screen"])
def test_what_draws_nothing_loads_no_drawing(command: str, tmp_path: Path) -> None:
    sample = resource_dir("data_samples") / "khimsnab"
    words = [command, "--orders", str(sample / "orders"), "--questionnaire", str(sample / "questionnaire"), "--json"]
    code = (
        "import sys, typer.testing, audit.cli as c;"
        f"done = typer.testing.CliRunner().invoke(c.app, {words});"
        "print(done.exit_code, sorted({'matplotlib', 'seaborn', 'PIL', 'pptx'} & sys.modules.keys()))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert done.stdout == "0 []\n", done.stdout + done.stderr


@pytest.mark.parametrize(
    ("module", "absent"),
    [
        ("audit.run.pipeline", {"scipy", "matplotlib", "nbformat", "audit.findings", "audit.chapters"}),
        ("audit.run.workers", {"pandas", "pydantic", "nbformat"}),
        ("audit.run.screen", {"pandas", "duckdb", "audit.intake"}),
    ],
)
def test_what_a_run_begins_with_loads_nothing_that_it_needs_later(module: str, absent: set[str]) -> None:
    code = f"import sys, {module}; print(sorted({absent} & sys.modules.keys()))"
    environment = {**os.environ, "PYTHONPATH": str(ROOT.parent)}
    done = subprocess.run([sys.executable, "-P", "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stdout + done.stderr


def test_the_generator_of_samples_reads_the_method_only() -> None:
    for path in (ROOT.parent / "tools" / "samples").glob("*.py"):
        if path.stem != "__main__":  # which writes the answers into the workbook of the kit
            assert imports(path) <= {"method"}, path.name


def test_only_the_engine_imports_the_engines() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        if path.relative_to(ROOT).parts[0] == "engine":
            continue
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            wrong += [str(path) for n in names if n.split(".")[0] in ("duckdb", "pyspark")]
    assert wrong == []


def test_public_names_are_pinned() -> None:
    assert audit.__all__ == [
        "AuditError",
        "chapter",
        "explain",
        "open_case",
        "open_chapter",
        "open_summary",
        "save_chapter",
        "start",
    ]
    for name in audit.__all__:
        assert getattr(audit, name) is not None
