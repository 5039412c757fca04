"""Where the inputs of an audit lie: an engagement folder, named files, or the bundled sample."""

from __future__ import annotations

import glob
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import InputError, Lang, ParameterError, Text
from audit.intake.addresses import is_elsewhere
from audit.resources import resource_dir
from audit.settings import Settings, load_settings, settings_from_mapping

__all__ = ["DEMO", "Inputs", "demo_inputs", "engagement_inputs", "file_inputs", "is_engagement", "override"]

DEMO = "khimsnab"
"""The bundled sample that ``km-audit demo`` and the notebooks' defaults run on."""


RETURNS = ("questionnaire", "анкета")
"""Names of the folder of an engagement into which everything goes that comes back."""


@dataclass(frozen=True)
class Inputs:
    """What an audit is made of. ``folder`` is the engagement folder, None where files were named one by one."""

    orders: tuple[str, ...]
    questionnaire: Path | None
    settings: Settings
    folder: Path | None = None

    @property
    def collected(self) -> Path | None:
        """The engagement's folder of what single persons sent back, where the questionnaire is a workbook beside it."""
        if self.questionnaire is None or not self.questionnaire.is_file():
            return None
        beside = self.folder or self.questionnaire.parent
        return _returns(beside) if is_engagement(beside) else None

    @property
    def returns(self) -> Path:
        """The folder of an engagement that takes whatever comes back."""
        assert self.folder is not None
        if self.questionnaire is not None and self.questionnaire.is_dir():
            return self.questionnaire
        return self.collected or self.folder / RETURNS[0]


def override(settings: Settings, changes: Mapping[str, Mapping[str, Any]]) -> Settings:
    """Return the settings with command line options or notebook parameters put over them; None leaves as is."""
    raw = settings.model_dump(mode="python")
    touched = False
    for section, values in changes.items():
        for key, value in values.items():
            if value is not None:
                raw[section][key] = value
                touched = True
    return settings_from_mapping(raw, origin="options") if touched else settings


def engagement_inputs(folder: Path, settings_file: Path | None = None, *, orders_needed: bool = True) -> Inputs:
    """Read ``audit.toml`` of an engagement folder and find its orders and questionnaire.

    Where no orders lie there yet this is an error, or, if none are needed, an audit of none.
    """
    if not folder.is_dir():
        raise InputError(
            Text(f"Папки проекта нет: {folder}", f"There is no engagement folder {folder}"),
            todo=Text("Создайте её: km-audit new ПАПКА", "Make it: km-audit new DIR"),
        )
    given = folder / "audit.toml"
    settings = load_settings(settings_file or (given if given.is_file() else None))
    orders = [_from(folder, s) for s in settings.inputs.orders]
    if not any(is_elsewhere(s) or _some_file(s) for s in orders):
        if not orders_needed:
            return Inputs((), _questionnaire(folder, settings), settings, folder)
        raise InputError(
            Text("В папке проекта нет файлов заказов", "The engagement folder holds no orders"),
            where=str(folder / "orders"),
            todo=Text("Положите выгрузку в папку orders", "Put the export into the folder orders"),
        )
    return Inputs(tuple(orders), _questionnaire(folder, settings), settings, folder)


def is_engagement(folder: Path) -> bool:
    """Tell whether a folder is one that the kit may write into: it has settings, or a folder of orders."""
    return (folder / "audit.toml").is_file() or (folder / "orders").is_dir()


_SQLITE = re.compile(r"(sqlite(?:\+\w+)?:///)(?![/\\]|[A-Za-z]:)(?=[^:])")


def _from(folder: Path, source: str) -> str:
    """Return a source of the settings as seen from here: relative paths begin at the engagement folder.

    Only the settings may hold a pattern: brackets and stars in the folder's own name are letters.
    """
    if is_elsewhere(source):
        return _SQLITE.sub(lambda m: f"{m[1]}{folder.absolute().as_posix()}/", source)
    literal = folder / source
    return str(literal) if literal.exists() else os.path.join(glob.escape(str(folder)), source)


def _some_file(source: str) -> bool:
    if Path(source).exists():
        return True
    found = map(Path, glob.glob(source, recursive=True))
    return any(p.is_file() and not p.name.startswith((".", "~")) for p in found)


def _questionnaire(folder: Path, settings: Settings) -> Path | None:
    if settings.inputs.questionnaire is not None:
        path = folder / settings.inputs.questionnaire
        if not path.exists() and (returns := _returns(folder)) is not None:
            return returns
        if not (path.is_file() or path.is_dir()):  # a pipe or a device would be read without end
            raise InputError(
                Text(f"Анкеты нет: {path}", f"There is no questionnaire {path}"),
                where="audit.toml, [inputs] questionnaire",
                todo=Text("Исправьте путь или уберите строку", "Correct the path or remove the line"),
            )
        return path
    for name in ("questionnaire.xlsx", "анкета.xlsx"):
        if (folder / name).is_file():
            return folder / name
    if (returns := _returns(folder)) is not None:
        return returns
    among = sorted((folder / "orders").glob("*.xlsx")) if (folder / "orders").is_dir() else []
    if not among:
        return None
    from audit.intake.questionnaire.recognise import is_questionnaire  # looks into workbooks: loads much

    return next((path for path in among if is_questionnaire(path)), None)


def _returns(folder: Path) -> Path | None:
    """Return the folder of an engagement into which everything goes that comes back; None without or with nothing."""
    named = (folder / name for name in RETURNS)
    return next((p for p in named if p.is_dir() and any(c.is_file() for c in p.iterdir())), None)


def file_inputs(
    orders: str | Path | Sequence[str | Path], questionnaire: str | Path | None, settings_file: str | Path | None
) -> Inputs:
    """Take named files; a missing one is named at once."""
    given = [orders] if isinstance(orders, str | Path) else list(orders)
    if not given:
        raise ParameterError(
            Text("Не названы файлы заказов", "No orders were given"),
            todo=Text("Укажите --orders ФАЙЛ", "Give --orders FILE"),
        )
    for source in given:
        text = str(source)
        if not is_elsewhere(text) and not _some_file(text):
            raise InputError(
                Text(f"Файл заказов не найден: {text}", f"Orders not found: {text}"),
                todo=Text("Проверьте путь и имя файла", "Check the path and the file name"),
            )
    path = Path(questionnaire) if questionnaire is not None else None
    if path is not None and not (path.is_file() or path.is_dir()):
        raise InputError(
            Text(f"Анкета не найдена: {path}", f"Questionnaire not found: {path}"),
            todo=Text("Проверьте путь и имя файла", "Check the path and the file name"),
        )
    settings = load_settings(Path(settings_file) if settings_file is not None else None)
    return Inputs(tuple(str(s) for s in given), path, settings)


def demo_inputs(lang: Lang | None = None) -> Inputs:
    """Return the bundled sample company."""
    folder = resource_dir("data_samples") / DEMO
    settings = load_settings(folder / "audit.toml" if (folder / "audit.toml").is_file() else None)
    questionnaire = folder / "questionnaire"
    return Inputs(
        (str(folder / "orders"),),
        questionnaire if questionnaire.exists() else folder / "questionnaire.xlsx",
        override(settings, {"report": {"lang": lang}}),
    )
