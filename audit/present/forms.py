"""The papers of a new engagement: questionnaire, order template, letter of request, settings, and their folder.

write_questionnaire(path, lang, company=None)   workbook, blank or filled with a company's answers
write_order_template(path, lang)                XLSX (or CSV) with the canonical columns of orders
write_letter(path, lang, …)                     letter of request to the client, HTML that Word opens
write_audit_toml(path, lang, …)                 settings with every key explained
new_engagement(folder, lang)                    all of them in a new folder
"""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
from collections.abc import Callable
from pathlib import Path

import jinja2
from markupsafe import Markup

from audit.errors import Lang, ParameterError, Text
from audit.method import Threshold, method
from audit.model.questionnaire import Questionnaire
from audit.present.explain import unit_name
from audit.present.forms_orders import asked_columns, order_words, write_template_workbook
from audit.present.forms_workbook import write_workbook
from audit.present.words import source_text
from audit.resources import resource_dir
from audit.settings import CANONICAL_FIELDS

__all__ = [
    "LETTER_FILE",
    "QUESTIONNAIRE_FILE",
    "SETTINGS_FILE",
    "TEMPLATE_FILE",
    "new_engagement",
    "write_audit_toml",
    "write_letter",
    "write_order_template",
    "write_questionnaire",
]

SETTINGS_FILE = "audit.toml"
QUESTIONNAIRE_FILE = "questionnaire.xlsx"
TEMPLATE_FILE = "orders_template.xlsx"
LETTER_FILE = "letter.html"
ORDERS_FOLDER = "orders"
LETTER_MONTHS = 36


def write_questionnaire(path: Path, lang: Lang, company: Questionnaire | None = None) -> None:
    """Write the questionnaire that a head of sales fills in: an XLSX in ``lang``, blank or with ``company``'s answers.

    Sheets and keys are those of contracts, section 3; what is written reads back into equal tables
    (`audit.intake.questionnaire`). The same content gives the same bytes. An existing file is replaced.
    """
    write_workbook(path, lang, company)


def write_order_template(path: Path, lang: Lang) -> None:
    """Write the order template: XLSX with a sheet of notes, or CSV with two rows marked as examples.

    The headings are ones that intake recognises. In the workbook the examples stand on the sheet of notes, field by
    field, so that a forgotten example is never read as an order.
    """
    if path.suffix.lower() != ".csv":
        write_template_workbook(path, lang)
        return
    words = order_words()
    columns = asked_columns().values()
    out = io.StringIO()
    writer = csv.writer(out, delimiter=";", lineterminator="\r\n")
    writer.writerow([c[lang]["label"] for c in columns])
    for i in range(2):
        row = [c["examples"][lang][i] for c in columns]
        row[0] = words["sheet"][lang]["mark"]
        writer.writerow(row)
    # Excel takes a CSV for UTF-8 only when it begins with the mark.
    path.write_bytes(out.getvalue().encode("utf-8-sig"))


def write_letter(
    path: Path,
    lang: Lang,
    company: str | None = None,
    period: tuple[dt.date, dt.date] | None = None,
    consultant: str | None = None,
) -> None:
    """Write the letter that asks the client for data: what, from where, for which period, why, how it is protected.

    One HTML page that browsers and Word open and print on A4. What is not given (addressee, dates, signature) is a
    line to fill in by hand; without ``period`` the letter asks for the last 36 full months.
    """
    words = order_words()
    columns = [
        {"label": c[lang]["label"], "need": words["sheet"][lang][c["need"]], "note": c[lang]["note"]}
        for c in asked_columns().values()
        if c["need"] != "useful"
    ]
    if period is None:
        when = Text(f"последние {LETTER_MONTHS} полных месяцев", f"the last {LETTER_MONTHS} full months").get(lang)
    else:
        first, last = (f"{d:%d.%m.%Y}" for d in period)
        when = Text(f"с {first} по {last}", f"from {first} to {last}").get(lang)
    style = Markup((resource_dir("templates") / "forms" / "letter.css").read_text(encoding="utf-8"))
    page = _template(f"letter_{lang}.html.j2", escape=True).render(
        company=company, consultant=consultant, period=when, usual_period=period is None, columns=columns, style=style
    )
    path.write_text(page, encoding="utf-8", newline="\n")


def write_audit_toml(
    path: Path,
    lang: Lang,
    *,
    company: str | None = None,
    consultant: str | None = None,
    questionnaire: str = QUESTIONNAIRE_FILE,
) -> None:
    """Write the settings of an engagement: every section and key explained, defaults and examples commented out.

    As written the file means the defaults with this questionnaire and language (and names, where given).
    """
    words = order_words()["columns"]
    columns = [
        {"key": key, "label": words[key][lang]["note"], "header": words[key][lang]["label"]} for key in CANONICAL_FIELDS
    ]
    thresholds = [
        {
            "reason": " ".join(t.reason.name.get(lang).split())
            + f" ({unit_name(t.unit, lang)}; {source_text(t.source, lang)})",
            "line": _threshold(key, t),
        }
        for key, t in method().thresholds.items.items()
    ]

    def setting(key: str, value: str | None, example: str) -> str:
        return f"#{key} = {_toml(example)}" if value is None else f"{key} = {_toml(value)}"

    text = _template(f"audit_{lang}.toml.j2", escape=False).render(
        company=company,
        consultant=consultant,
        questionnaire=_toml(questionnaire),
        lang=_toml(lang),
        columns=columns,
        thresholds=thresholds,
        setting=setting,
    )
    path.write_text(text, encoding="utf-8", newline="\n")


def new_engagement(folder: Path, lang: Lang) -> list[Path]:
    """Make the folder of a new engagement and return what was made, in the order in which it is used.

    The folder may exist and hold other files. If any file of ours is there already, nothing is written and
    `ParameterError` names it.
    """
    writers: dict[str, Callable[[Path, Lang], None]] = {
        SETTINGS_FILE: write_audit_toml,
        QUESTIONNAIRE_FILE: write_questionnaire,
        TEMPLATE_FILE: write_order_template,
        LETTER_FILE: write_letter,
    }
    files = [folder / name for name in writers]
    orders = folder / ORDERS_FOLDER
    _refuse_overwriting(folder, files, orders)
    try:
        orders.mkdir(parents=True, exist_ok=True)
        for path, write in zip(files, writers.values(), strict=True):
            write(path, lang)
    except OSError as e:
        raise ParameterError(
            Text(f"В папку нельзя записать: {e.strerror}", f"The folder cannot be written to: {e.strerror}"),
            where=str(folder),
            todo=Text("Выберите другую папку", "Choose another folder"),
        ) from e
    return [orders, *files]


def _refuse_overwriting(folder: Path, files: list[Path], orders: Path) -> None:
    for place in (folder, orders):
        if place.exists() and not place.is_dir():
            raise ParameterError(
                Text("Вместо папки здесь файл", "There is a file where the folder should be"),
                where=str(place),
                todo=Text("Выберите другое имя папки", "Choose another name for the folder"),
            )
    there = [p.name for p in files if p.exists()]
    if there:
        names = ", ".join(there)
        raise ParameterError(
            Text(f"В папке уже есть: {names}. Ничего не изменено", f"Already there: {names}. Nothing was changed"),
            where=str(folder),
            todo=Text("Укажите новую папку или уберите эти файлы", "Give a new folder, or move these files away"),
        )


def _template(name: str, *, escape: bool) -> jinja2.Template:
    loader = jinja2.FileSystemLoader(resource_dir("templates") / "forms", encoding="utf-8")
    environment = jinja2.Environment(
        loader=loader, autoescape=escape, undefined=jinja2.StrictUndefined, keep_trailing_newline=True
    )
    return environment.get_template(name)


def _toml(value: str) -> str:
    # A JSON string is a TOML basic string, but for DEL, which TOML wants escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _threshold(key: str, t: Threshold) -> str:
    shapes: dict[str, tuple[str, ...]] = {
        "band": ("watch", "found"),
        "value": ("value",),
        "range": ("low", "base", "high"),
    }
    values: dict[str, float] = {name: float(getattr(t, name)) for name in shapes[t.kind]}
    body = ", ".join(f"{k} = {int(v) if v.is_integer() else repr(v)}" for k, v in values.items())
    return f"{_toml(key)} = {{ {body} }}"
