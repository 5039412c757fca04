"""JupyterLab on an engagement: copies of the notebooks with this engagement's parameters filled in; `START` opens first.

The copies lie in ``DIR/notebooks``. One that the analyst has edited is never overwritten; one that nobody has edited
follows the kit and the engagement's settings. Whether a copy was edited is told by a digest of its cells, kept in its
metadata: running it, or JupyterLab's own marks, do not count.

What an edited copy is for: ``km-audit run DIR`` executes it instead of the kit's notebook and says so
(`own_notebooks`). An *executed* notebook of a finished run may be edited too, and ``km-audit render RUN`` shows it.

Paths in the parameters are relative to ``DIR/notebooks``, where JupyterLab runs them, so that the folder can be moved.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from audit.errors import InputError, Lang, PreparedError, Text, ToolError, current_language
from audit.intake.addresses import is_elsewhere
from audit.intake.databases import redacted
from audit.resources import resource_dir
from audit.run.inputs import Inputs
from audit.run.kernels import kernel_environment
from audit.run.leftovers import PRIVATE
from audit.run.notebooks import NOTEBOOKS, built_chapters
from audit.run.versions import kit_version

__all__ = [
    "FILES_URL",
    "START",
    "WORKBENCH",
    "LabFolder",
    "OwnNotebook",
    "engagement_of",
    "kernel_path",
    "lab_command",
    "make_copies",
    "open_lab",
    "own_notebooks",
    "run_of",
    "settle",
]

START, WORKBENCH = "start.ipynb", "90_workbench.ipynb"
"""Notebooks that are no chapter: the one that is opened first, and the one to change a definition in."""

FILES_URL = "KM_AUDIT_FILES_URL"
"""Variable of a kernel's environment: where the server shows the engagement folder's files."""

LARGEST = 1_000_000_000
"""Bytes of a file that can be dropped on the start notebook; larger ones are put into the folder itself."""

_MARK = "km_audit"
_RUSSIAN = "ru"
"""Where a cell of the kit keeps its Russian words, in its metadata: prose, and the remarks of the parameters."""
_ADDRESS = re.compile(
    r"""(?<=")(?:[a-z][a-z0-9+_]*://|spark:)(?:[^"\\\n]|\\.)*(?=")|(?<=')(?:[a-z][a-z0-9+_]*://|spark:)(?:[^'\\\n]|\\.)*(?=')"""
)
"""The address of a database or of a source of Spark in a cell of parameters."""


@dataclass(frozen=True)
class LabFolder:
    """What became of the copies: made new, brought up to the kit, left as the analyst has them."""

    folder: Path
    made: tuple[str, ...] = ()
    renewed: tuple[str, ...] = ()
    edited: tuple[str, ...] = ()
    outdated: tuple[str, ...] = ()
    """Edited copies whose kit notebook has changed since; a part of ``edited``."""


@dataclass(frozen=True)
class OwnNotebook:
    """An edited copy that a run executes instead of the kit's notebook."""

    name: str
    path: Path
    outdated: bool


# --- cells


def _read(path: Path) -> dict[str, Any]:
    try:
        nb = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise PreparedError(
            Text(f"Ноутбук не читается: {path.name}", f"The notebook cannot be read: {path.name}"),
            where=str(path),
            todo=Text(
                "Удалите файл: km-audit lab сделает новую копию", "Delete the file: km-audit lab makes a new copy"
            ),
        ) from e
    if not isinstance(nb, dict) or not isinstance(nb.get("cells"), list):
        raise PreparedError(
            Text(f"Файл {path.name} — не ноутбук", f"The file {path.name} is not a notebook"), where=str(path)
        )
    return nb


def _write(nb: Mapping[str, Any], path: Path) -> None:
    aside = path.with_name(f".{path.name}.partial-{os.getpid()}")
    try:
        aside.write_text(json.dumps(nb, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _source(cell: Mapping[str, Any]) -> str:
    source = cell.get("source", "")
    return source if isinstance(source, str) else "".join(source)


def _tags(cell: Mapping[str, Any]) -> list[str]:
    return sorted(cell.get("metadata", {}).get("tags", []))


def _digest(nb: Mapping[str, Any]) -> str:
    """Return a digest of what an analyst edits: kinds, sources and tags of the cells, not outputs."""
    cells = [(c.get("cell_type"), _source(c), _tags(c)) for c in nb["cells"]]
    return hashlib.sha256(json.dumps(cells, ensure_ascii=False).encode()).hexdigest()


def _edited(nb: Mapping[str, Any]) -> bool:
    """Tell whether a copy was edited; a notebook that is no copy of ours is somebody's own work."""
    mark = nb.get("metadata", {}).get(_MARK, {})
    return bool(mark.get("cells") != _digest(nb))


def _outdated(nb: Mapping[str, Any], kit: Mapping[str, Any]) -> bool:
    return bool(nb.get("metadata", {}).get(_MARK, {}).get("kit") != _digest(kit))


def _literal(value: object) -> str:
    """Write a value as Python source; JSON's text is Python's but for None."""
    return "None" if value is None else json.dumps(value, ensure_ascii=False)


def fill_parameters(source: str, values: Mapping[str, object]) -> str:
    """Put values into the lines ``name = value  # meaning`` of a parameters cell; the remarks stay."""
    out = []
    for line in source.split("\n"):
        match = re.match(r"(\w+)\s*=\s*(?P<value>[^#]*?)(?P<remark>\s*#.*)?$", line)
        if match is not None and match[1] in values:
            line = f"{match[1]} = {_literal(values[match[1]])}{match['remark'] or ''}"
        out.append(line)
    return "\n".join(out)


def _parameters(inputs: Inputs, beside: Path) -> dict[str, object]:
    """Return the engagement's parameters, paths relative to the copies' folder."""
    assert inputs.folder is not None

    def relative(path: str | Path) -> str:
        if is_elsewhere(str(path)):
            return str(path)
        try:
            return Path(os.path.relpath(Path(path).absolute(), beside)).as_posix()
        except ValueError:  # another drive (Windows)
            return Path(path).absolute().as_posix()

    settings = inputs.folder / "audit.toml"
    orders = inputs.orders or [str(inputs.folder / s) for s in inputs.settings.inputs.orders]  # none lie there yet
    return {
        "folder": relative(inputs.folder),
        "orders": [relative(o) for o in orders],
        "questionnaire": relative(inputs.questionnaire) if inputs.questionnaire is not None else None,
        "settings": relative(settings) if settings.is_file() else None,
        "lang": inputs.settings.report.lang,
    }


def _kit_notebooks() -> Iterator[tuple[str, Path]]:
    """The notebooks of the report, by chapter."""
    folder = resource_dir("notebooks")
    for chapter in ("summary", *built_chapters()):
        path = folder / f"{NOTEBOOKS[chapter]}.ipynb"
        if path.is_file():
            yield chapter, path


def _beside() -> Iterator[Path]:
    """The notebooks that no run executes."""
    yield from (path for name in (START, WORKBENCH) if (path := resource_dir("notebooks") / name).is_file())


def _speak(nb: Mapping[str, Any], lang: Lang) -> None:
    """Give the kit's own cells the words of the engagement's language."""
    for cell in nb["cells"]:
        russian = cell["metadata"].pop(_RUSSIAN, None)
        if russian is not None and lang == "ru":
            cell["source"] = russian


# --- copies


def make_copies(inputs: Inputs) -> LabFolder:
    """Make or renew the copies of an engagement; edited ones stay as they are."""
    if inputs.folder is None:
        raise InputError(
            Text("Нужна папка проекта", "An engagement folder is needed"),
            todo=Text("Создайте её: km-audit new ПАПКА", "Make it: km-audit new DIR"),
        )
    target = inputs.folder.absolute() / "notebooks"
    target.mkdir(exist_ok=True)
    values = _parameters(inputs, target)
    told: dict[str, list[str]] = {"made": [], "renewed": [], "edited": [], "outdated": []}
    for path in (*_beside(), *(path for _, path in _kit_notebooks())):
        kit = _read(path)
        fresh = json.loads(json.dumps(kit))
        _speak(fresh, inputs.settings.report.lang)
        for cell in fresh["cells"]:
            if "parameters" in _tags(cell):
                cell["source"] = fill_parameters(_source(cell), values).splitlines(keepends=True)
        fresh["metadata"][_MARK] = {"kit": _digest(kit), "cells": _digest(fresh), "version": kit_version()}
        copy = target / path.name
        if not copy.exists():
            told["made"].append(path.name)
            _write(fresh, copy)
            continue
        present = _read(copy)
        if _edited(present):
            told["edited"].append(path.name)
            if _outdated(present, kit):
                told["outdated"].append(path.name)
        elif _digest(present) != _digest(fresh):
            told["renewed"].append(path.name)
            _write(fresh, copy)
    return LabFolder(target, **{k: tuple(v) for k, v in told.items()})


def own_notebooks(folder: Path | None) -> dict[str, OwnNotebook]:
    """Return the copies that the analyst has edited, by chapter: a run executes them instead of the kit's notebooks."""
    if folder is None or not (folder / "notebooks").is_dir():
        return {}
    out = {}
    for chapter, path in _kit_notebooks():
        copy = folder.absolute() / "notebooks" / path.name
        if copy.is_file():
            nb = _read(copy)
            if _edited(nb):
                out[chapter] = OwnNotebook(path.name, copy, _outdated(nb, _read(path)))
    return out


def settle(notebook: Path, values: Mapping[str, object], lang: Lang) -> None:
    """Make an executed notebook one to work with: prose in the engagement's language, parameters that hold where it lies.

    The parameters are those that the run injected, as seen from the notebook's folder: it can be run again.
    """
    nb = _read(notebook)
    _speak(nb, lang)
    for cell in nb["cells"]:
        if "injected-parameters" in _tags(cell):
            lines = ["# Parameters", *(f"{k} = {_literal(v)}" for k, v in values.items())]
            cell["source"] = "\n".join(lines).splitlines(keepends=True)
        elif "parameters" in _tags(cell):  # of the analyst's own copy
            cell["source"] = _ADDRESS.sub(lambda m: redacted(m[0]), _source(cell)).splitlines(keepends=True)
    told = nb.get("metadata", {}).get("papermill")
    if isinstance(told, dict):
        told["parameters"] = dict(values)
        told["input_path"] = Path(str(told.get("input_path", ""))).name
        told["output_path"] = notebook.name
    _write(nb, notebook)


# --- the server


@contextmanager
def kernel_path() -> Iterator[Path]:
    """Make a folder for JUPYTER_PATH whose kernel «python3» is this interpreter, whatever else is installed.

    For JUPYTER_CONFIG_PATH it holds the settings of the page.
    """
    with tempfile.TemporaryDirectory(prefix=f"{PRIVATE}{os.getpid()}-", ignore_cleanup_errors=True) as name:
        spec = Path(name) / "kernels" / "python3"
        spec.mkdir(parents=True)
        env = {k: v for k, v in kernel_environment().items() if os.environ.get(k) != v}
        (spec / "kernel.json").write_text(
            json.dumps(
                {
                    "argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
                    "display_name": f"Python {sys.version_info.major}.{sys.version_info.minor} (km-audit)",
                    "language": "python",
                    "env": env,
                    "metadata": {"debugger": True, "supported_encryption": "curve"},
                }
            ),
            encoding="utf-8",
        )
        config = Path(name) / "labconfig"
        config.mkdir()
        # JupyterLab would ask whether it may fetch news: this computer holds a client's data, so it asks nobody
        (config / "page_config.json").write_text(
            json.dumps({"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}), encoding="utf-8"
        )
        # ▶▶ would ask whether «all variables will be lost» is well: they come back from the folder at once
        (config / "default_setting_overrides.json").write_text(
            json.dumps({"@jupyterlab/apputils-extension:sessionDialogs": {"skipKernelRestartDialog": True}}),
            encoding="utf-8",
        )
        yield Path(name)


def run_of(folder: Path) -> Path | None:
    """Return the folder of a finished run with its notebooks, where ``folder`` is one."""
    if (folder / "report.json").is_file() and (folder / "notebooks").is_dir():
        return folder.resolve()
    return None


def engagement_of(run: Path) -> Path:
    """Return the engagement folder that a run lies in, else the run itself (made with ``--out``)."""
    return run.parent.parent if run.parent.name == "runs" else run


def lab_command(
    folder: Path, *, first: str = f"notebooks/{START}", browser: bool = True, port: int | None = None
) -> list[str]:
    """Return the command that serves an engagement: this computer only, with a token, asking nobody for news.

    ``first`` is the notebook that opens.
    """
    import zmq

    command = [
        sys.executable,
        "-m",
        "jupyterlab",
        f"--ServerApp.root_dir={folder.absolute()}",
        "--ServerApp.ip=127.0.0.1",
        f"--LabApp.default_url=/lab/tree/{quote(first)}",
        "--LabApp.news_url=None",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
        "--LabApp.extension_manager=readonly",
        "--ServerApp.log_level=WARN",
        # open tabs are remembered with the engagement, or one client's file names would show beside another's
        f"--LabApp.workspaces_dir={folder.absolute() / '.km-audit' / 'lab'}",
        # a file that is dropped on the start notebook comes as one message
        f"--ServerApp.tornado_settings={{'websocket_max_message_size': {LARGEST}}}",
    ]
    if zmq.has("curve"):  # figures travel to the page through a local socket: encrypted where the build can
        command.append("--KernelManager.transport_encryption=auto")
    if not browser:
        command.append("--no-browser")
    if port is not None:
        command += [f"--ServerApp.port={port}", "--ServerApp.port_retries=0"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        command.append("--allow-root")
    return command


def open_lab(folder: Path, *, browser: bool = True, port: int | None = None, extra: Sequence[str] = ()) -> int:
    """Serve an engagement, or the notebooks of a finished run, until JupyterLab is stopped; return its exit code."""
    run, first = run_of(folder), f"notebooks/{START}"
    if run is not None:
        folder = engagement_of(run)
        first = (run / "notebooks").relative_to(folder).as_posix() + f"/{NOTEBOOKS['summary']}.ipynb"
    with kernel_path() as kernels:
        env = {
            **os.environ,
            **{
                k: os.pathsep.join([str(kernels), *filter(None, [os.environ.get(k)])])
                for k in ("JUPYTER_PATH", "JUPYTER_CONFIG_PATH")
            },
            "KM_AUDIT_CACHE": str(folder.absolute() / ".km-audit" / "prepared"),
            "KM_AUDIT_LANG": current_language(),
            FILES_URL: "/files/",
        }
        command = [*lab_command(folder, first=first, browser=browser, port=port), *extra]
        try:
            process = subprocess.Popen(command, env=env)
        except OSError as e:
            raise ToolError(
                Text(f"JupyterLab не запустился: {e}", f"JupyterLab did not start: {e}"),
                todo=Text(
                    "Проверьте установку: python -m jupyterlab --version",
                    "Check the installation: python -m jupyterlab --version",
                ),
            ) from e
        # Ctrl-C belongs to JupyterLab, which asks before it stops; we wait for its answer, and pass on a request to end
        before = signal.signal(signal.SIGINT, signal.SIG_IGN)
        ended = signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        finally:
            signal.signal(signal.SIGINT, before)
            signal.signal(signal.SIGTERM, ended)
            if process.poll() is None:
                process.terminate()
