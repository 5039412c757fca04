"""Lines of ``audit.toml`` that a click writes: put in their place, never against the rest of the file, taken back again.

A question about the data offers the lines that answer it. Here they are written into the settings of an engagement: below
the header of their section, beside the commented example of their key; remarks and order of the file stay. A key that
has a value already gets the new one, a list grows. The file is replaced only when what then stands in it reads as
meant. What was written is remembered in ``.km-audit/answers.json``, so that the last answer can be taken back.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from audit.errors import SettingsError, Text
from audit.settings import settings_from_mapping

__all__ = ["Given", "answers_given", "put_lines", "take_back", "write_answer"]

_SECTION = re.compile(r"\s*\[\s*([\w.-]+)\s*\]\s*(#.*)?$")
_ANY_HEADER = re.compile(r"\s*\[\[?[^\[\]=]+\]?\]\s*(#.*)?$")


@dataclass(frozen=True)
class Given:
    """An answer that was written: to what, which lines, the whole file before and after."""

    asked: str
    lines: str
    before: str
    after: str


def put_lines(text: str, lines: str) -> str:
    """Return the text of an ``audit.toml`` with lines added as an answer gives them; raise `SettingsError` if it cannot be.

    ``lines`` are sections with their keys, as they would stand in the file. Lists grow, tables of a key get the new
    entries, any other value is replaced.
    """
    meant = _read(text)
    new = _read(lines)
    known = settings_from_mapping(meant).as_json()
    out = text.rstrip("\n").split("\n") if text.strip() else []
    for section, keys in new.items():
        if not isinstance(keys, Mapping):
            raise _not_placed(f"{section} = …")
        for key, value in keys.items():
            before = meant.get(section, {}).get(key)
            if isinstance(value, list) and value and all(isinstance(v, dict) for v in value):
                value = [v for v in value if v not in (before or [])]
                if value:  # tables of their own stand at the end: [[corrections.merge]]
                    out += ["", *_table_lines(f"{section}.{key}", value)]
                meant.setdefault(section, {}).setdefault(key, []).extend(value)
                continue
            if before is not None:
                normal = known[section].get(key)
                if isinstance(value, dict) and isinstance(before, dict):
                    value = before | value
                elif isinstance(normal, list):
                    added = value if isinstance(value, list) else [value]
                    value = [*normal, *(v for v in added if v not in normal)]
            meant.setdefault(section, {})[key] = value
            _set(out, section, key, f"{_key(key)} = {_literal(value)}")
    made = "\n".join(out).lstrip("\n") + "\n"
    try:
        stands = tomllib.loads(made)
    except tomllib.TOMLDecodeError as e:
        raise _not_placed(lines) from e
    if stands != meant:
        raise _not_placed(lines)
    settings_from_mapping(stands)
    return made


def write_answer(folder: Path, lines: str, asked: str = "") -> Given:
    """Write an answer into ``audit.toml`` of an engagement folder and remember it."""
    path = folder / "audit.toml"
    before = path.read_text(encoding="utf-8-sig") if path.is_file() else ""
    given = Given(asked, lines, before, put_lines(before, lines))
    _replace(path, given.after)
    _remember(folder, [*answers_given(folder), given])
    return given


def answers_given(folder: Path) -> list[Given]:
    """Return the answers written by clicks, the earliest first."""
    try:
        told = json.loads(_memory(folder).read_text(encoding="utf-8"))
        return [Given(**{k: str(g[k]) for k in ("asked", "lines", "before", "after")}) for g in told["answers"]]
    except (OSError, ValueError, KeyError, TypeError):
        return []


def take_back(folder: Path) -> Given | None:
    """Take the last answer back; None where there is none, or where the file was changed by hand since."""
    given = answers_given(folder)
    path = folder / "audit.toml"
    if not given or not path.is_file() or path.read_text(encoding="utf-8-sig") != given[-1].after:
        return None
    _replace(path, given[-1].before)
    _remember(folder, given[:-1])
    return given[-1]


# --- the file


def _set(out: list[str], section: str, key: str, line: str) -> None:
    """Put a key into the lines of a file: in the place of its old value, beside its example, or below the header."""
    start = next((i for i, text in enumerate(out) if (m := _SECTION.match(text)) and m[1] == section), None)
    if start is None:
        out += ["", f"[{section}]", line]
        return
    end = next((i for i in range(start + 1, len(out)) if _ANY_HEADER.match(out[i])), len(out))
    name = rf"""(?:{re.escape(key)}|"{re.escape(key)}"|'{re.escape(key)}')\s*="""
    for i in range(start + 1, end):
        if re.match(rf"\s*{name}", out[i]):
            out[i : _value_end(out, i, end)] = [line]
            return
    example = next((i for i in range(start + 1, end) if re.match(rf"\s*#\s*{name}", out[i])), start)
    out.insert(example + 1, line)


def _value_end(out: list[str], start: int, end: int) -> int:
    """Return the line after a value that begins in ``start``; a list may stand on several lines."""
    for i in range(start + 1, end + 1):
        try:
            tomllib.loads("\n".join(out[start:i]))
        except tomllib.TOMLDecodeError:
            continue
        return i
    return start + 1


def _table_lines(name: str, tables: list[dict[str, Any]]) -> list[str]:
    out: list[str] = []
    for table in tables:
        out += [f"[[{name}]]", *(f"{_key(k)} = {_literal(v)}" for k, v in table.items())]
    return out


def _key(key: str) -> str:
    return key if re.fullmatch(r"[A-Za-z0-9_-]+", key) else _literal(key)


def _literal(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, Mapping):
        return "{ " + ", ".join(f"{_key(str(k))} = {_literal(v)}" for k, v in value.items()) + " }"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(v) for v in value) + "]"
    if isinstance(value, dt.date):
        return value.isoformat()
    return repr(value)


def _read(text: str) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as e:
        raise SettingsError(
            Text(f"Строка не читается как TOML: {e}", f"The line is not valid TOML: {e}"),
            where="audit.toml",
            todo=Text(
                "Сначала раздел, под ним строка; тексты — в кавычках: [columns] и client = «Покупатель» в прямых кавычках",
                'First the section, below it the line; texts in quotes: [columns] and below it client = "Buyer"',
            ),
        ) from e


def _not_placed(lines: str) -> SettingsError:
    return SettingsError(
        Text("Строку не удалось вписать в audit.toml", "The line could not be put into audit.toml"),
        where=lines,
        todo=Text("Откройте файл и впишите её сами", "Open the file and write it yourself"),
    )


def _replace(path: Path, text: str) -> None:
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.write_text(text, encoding="utf-8", newline="\n")
        os.replace(aside, path)
    finally:
        aside.unlink(missing_ok=True)


def _memory(folder: Path) -> Path:
    return folder / ".km-audit" / "answers.json"


def _remember(folder: Path, given: list[Given]) -> None:
    _memory(folder).parent.mkdir(exist_ok=True)
    _replace(_memory(folder), json.dumps({"answers": [asdict(g) for g in given]}, ensure_ascii=False, indent=1) + "\n")
