"""Settings of an engagement: ``audit.toml`` read into frozen objects, unknown keys refused with «did you mean».

Everything has a default. Paths in ``[inputs]`` and ``[report].logo`` are relative to the folder of the settings file.
"""

from __future__ import annotations

import codecs
import datetime as dt
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from audit.errors import Lang, SettingsError, Text, did_you_mean

__all__ = ["CANONICAL_FIELDS", "Fix", "Merge", "Settings", "load_settings", "settings_from_mapping"]

CANONICAL_FIELDS = (
    "order_id",
    "order_date",
    "client_id",
    "client",
    "amount",
    "manager",
    "created_by",
    "processed_by",
    "department",
    "currency",
    "margin",
    "cost",
    "status",
    "kind",
    "requested_date",
    "promised_date",
    "shipped_date",
    "delivered_date",
    "complaint",
    "complaint_reason",
    "document_error",
    "shipped_pct",
    "sku",
    "sku_group",
    "qty",
    "contact",
    "channel",
    "initiator",
    "segment",
    "region",
    "holding",
    "client_since",
    "price_index",
    "organization",
)
"""The columns that an orders file may carry (contracts, section 2)."""

READING_ONLY_FIELDS = ("price", "lines", "posted", "deleted", "legal_entity", "order_ref", "returned", "discount")
"""Read only to derive or to set aside: ``amount = qty × price`` where amount is missing, the number of lines, unposted
and deleted documents, the client's legal entity beside its partner (1C UT 11), the order that a dispatch document
names."""

SaleTypeSetting = Literal["T", "TC", "C", "S", "CS", "unknown"]


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


Day = Annotated[dt.date, Field(ge=dt.date(1980, 1, 1), le=dt.date(2049, 12, 31))]
"""A day that orders may have; a slip of the hand («0204») would make a window of two thousand years."""


class Company(_Section):
    """What overrides the questionnaire's company sheet."""

    name: str | None = None
    currency: str | None = Field(default=None, pattern=r"^[A-Z]{3}$")
    sale_type: SaleTypeSetting | None = None
    project_sales: bool | None = None


class Inputs(_Section):
    """Where the engagement's files lie, and the engine that reads them."""

    orders: tuple[str, ...] = ("orders/*",)
    questionnaire: str | None = None
    questionnaire_is_ours: bool | None = None
    """Whether the questionnaire is of the company of the orders; none given: asked where hardly any name is known."""
    engine: str = "duckdb"
    """``duckdb``; or who reads what only a cluster reaches: ``spark``, or the address of a Spark master."""
    order_by: tuple[str, ...] = ()
    """Columns that order the lines of what Spark reads, a key best; none given: all columns, in their order."""

    @field_validator("orders", "order_by", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value


class Reading(_Section):
    """How to read the orders where guessing is not enough."""

    encoding: str | None = None
    delimiter: str | None = Field(default=None, min_length=1, max_length=1)
    decimal: Literal[",", "."] | None = None
    date_format: str | None = None
    """``dd.mm.yyyy``, ``mm/dd/yyyy``, ``yyyy-mm-dd`` or a strptime pattern."""
    sheet: tuple[str, ...] | None = None
    """Sheets that hold the orders: their names, or «Книга.xlsx#Лист» where it concerns one workbook alone."""
    header_row: int | None = Field(default=None, ge=1)
    """Row number of the header in the file, counted from 1."""
    cancelled: tuple[str, ...] = ()
    """Values of the status column that mean a cancelled order, besides the known ones."""
    drop_nonpositive_price: bool = False
    drop_order_id_prefix: tuple[str, ...] = ()
    """Documents whose number starts so are set aside as cancellations (for example ``["C"]``)."""
    drop_returns: bool = False
    """Set negative rows aside instead of netting them."""
    returned_rows: Literal["void", "returns", "sums", "sales"] | None = None
    """What rows marked as returned (a flag, a status) are: ``void`` sales that came back whole, ``returns`` documents
    of returns, ``sales`` none; ``sums``: the column holds the sum that came back. None given: told by the rows, asked."""
    return_files: tuple[str, ...] | None = None
    """Files (patterns of their names) that hold returns as positive amounts; none given: found by their titles."""
    negative_files: tuple[str, ...] | None = None
    """Files (patterns of their names) that hold sales with a minus and returns without one; an empty list says that
    negative amounts are returns; none given: asked where nearly nothing is sold."""
    swapped_dates: tuple[str, ...] | None = None
    """Files (patterns of their names) in whose true dates a spreadsheet swapped day and month; an empty list says that
    the dates are right; none given: asked where they look swapped."""
    discounts: Literal["taken", "percent", "sum"] | None = None
    """The column of discounts beside the amount, or beside quantity and price: ``taken`` off already; ``percent`` or
    ``sum``: to be taken off, in per cent or in money. None given: told by quantity and price, else asked."""
    computed_amounts: tuple[str, ...] | None = None
    """Files (patterns of their names) whose amount is quantity × price whatever the column of amounts holds; an empty
    list says that amounts of zero are right; none given: asked where all amounts are zero while quantity × price is not."""
    document_sums: tuple[str, ...] | None = None
    """Files (patterns of their names) whose amount is that of the whole document, repeated on each of its lines; an empty
    list says that it is the line's own; none given: asked where it looks repeated."""
    fill_down: tuple[str, ...] | None = None
    """Files (patterns of their names) in which client, document or date stand in the first of their rows alone and count
    for the rows below; an empty list says that a blank cell is blank; none given: asked where it looks so."""
    money_unit: Literal[1, 1000, 1000000] | None = None
    """What sums are multiplied by where the header of their column names no unit; none given: what the title says."""
    dispatch_files: tuple[str, ...] | None = None
    """Files (patterns of their names) of dispatch documents beside the orders: they date the orders and are no sales
    of their own. An empty list says that every file holds sales of its own; none given: asked where both are found."""
    same_sales: tuple[str, ...] | None = None
    """Files (patterns of their names) whose sales other files hold too, under numbers of another program: left out on
    the days that the others cover. An empty list says that all are sales of their own."""
    payment_files: tuple[str, ...] | None = None
    """Files (patterns of their names) of payments beside the orders: no sales. An empty list says that they are."""
    duplicates: Literal["keep", "drop", "later", "earlier"] | None = None
    """Documents met in several files: ``drop`` counts equal ones once, ``later`` and ``earlier`` take every document,
    corrected or not, from the export that ends later or earlier, ``keep`` counts them all."""
    repeated_rows: Literal["keep", "drop"] | None = None
    """Rows that stand several times inside one file, as whole documents or in one block."""
    legal_forms: Literal["apart", "together"] | None = None
    """Companies of one name and of different legal forms (ООО, АО, ИП) that no code tells apart: different clients or one."""
    groups: tuple[str, ...] | None = None
    """Levels of a grouped report from the outermost, the lines last: fields, or ``-`` for a level not needed."""

    @field_validator("encoding")
    @classmethod
    def _of_text(cls, given: str | None) -> str | None:
        """Refuse what Python decodes but is no text (hex, zip); a name that it does not know is told with the file."""
        try:
            known = None if given is None else codecs.lookup(given)
        except LookupError:
            return given
        if known is not None and not known._is_text_encoding:
            raise ValueError("no encoding of text; for example utf-8, cp1251, koi8-r, utf-16")
        return given

    @field_validator("sheet", mode="before")
    @classmethod
    def _one_or_many(cls, value: object) -> object:
        return [value] if isinstance(value, str) else value

    @field_validator("groups")
    @classmethod
    def _levels(cls, given: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in given or ():
            if name not in (*CANONICAL_FIELDS, *READING_ONLY_FIELDS, "-"):
                raise ValueError(f"{name}: {did_you_mean(name, (*CANONICAL_FIELDS, '-')).en}")
        return given


class Period(_Section):
    """The window of the audit."""

    start: Day | None = None
    end: Day | None = None
    as_of: Day | None = None
    burn_in_days: int | None = Field(default=None, ge=0, le=3650)
    horizon_days: int = Field(default=365, ge=1, le=3650)
    recent_months: int = Field(default=12, ge=1, le=120)

    @model_validator(mode="after")
    def _ordered(self) -> Period:
        if self.start and self.end and self.start > self.end:
            raise ValueError("start is after end")
        return self


class Level(_Section):
    """What counts as one client."""

    client: Literal["client", "holding", "legal_entity"] = "client"


class People(_Section):
    """Spellings of persons, and users that are not persons."""

    alias: dict[str, str] = Field(default_factory=dict)
    system_users: tuple[str, ...] = ()


class Expectation(_Section):
    """What must hold in the source for a correction to be applied."""

    rows: int | None = Field(default=None, ge=0)
    revenue: float | None = None


class Merge(_Section):
    """Two spellings of one client: rows of ``client`` count as ``into``."""

    client: str
    into: str
    reason: str = Field(min_length=3)
    expect: Expectation = Expectation()


class Different(_Section):
    """Two clients of like names that are two: the pair is not asked about again."""

    client: str
    other: str


class Fix(_Section):
    """One value put right: where ``field`` of ``order_id`` is ``was``, it becomes ``becomes``."""

    order_id: str
    field: str
    was: str
    becomes: str
    reason: str = Field(min_length=3)
    expect: Expectation = Expectation()


class Corrections(_Section):
    """Declared repairs of the source; each fails once the source no longer holds what it expects.

    ``different``: like names that are no repair case.
    """

    merge: tuple[Merge, ...] = ()
    different: tuple[Different, ...] = ()
    fix: tuple[Fix, ...] = ()


class Report(_Section):
    """How the report looks. ``date``: the day it is of, from which plans are dated; that of the run where none is given."""

    date: Day | None = None
    lang: Lang = "ru"
    names: bool = False
    consultant: str | None = None
    logo: str | None = None
    accent: str = Field(default="#1f5a7a", pattern=r"^#[0-9a-fA-F]{6}$")
    confidentiality: str | None = None

    @property
    def day(self) -> dt.date:
        """The day the report is of."""
        return self.date or dt.date.today()


class Settings(_Section):
    """All settings of one engagement."""

    company: Company = Company()
    inputs: Inputs = Inputs()
    columns: dict[str, str] = Field(default_factory=dict)
    reading: Reading = Reading()
    period: Period = Period()
    level: Level = Level()
    people: People = People()
    corrections: Corrections = Corrections()
    thresholds: dict[str, dict[str, float] | float] = Field(default_factory=dict)
    report: Report = Report()

    def answered(self, lines: str) -> Settings:
        """Return the settings with lines of audit.toml added, as an answer to a question gives them; lists grow."""
        whole = self.as_json()
        for section, keys in tomllib.loads(lines).items():
            for key, value in keys.items():
                before = whole[section].get(key)
                whole[section][key] = [*(before or []), *value] if isinstance(value, list) else value
        return settings_from_mapping(whole)

    def as_json(self) -> dict[str, Any]:
        """Return the settings as plain JSON values."""
        return self.model_dump(mode="json")

    def intake_digest(self) -> str:
        """Return a hash of the settings that change what is read (not of those that only change verdicts)."""
        part = self.model_dump(mode="json", include={"columns", "reading", "period", "level", "people", "corrections"})
        part["ours"] = self.inputs.questionnaire_is_ours
        # Rows in another currency are set aside; rejected_rows.csv speaks the report's
        # language and hides persons' names with it.
        if self.inputs.order_by:
            part["order_by"] = list(self.inputs.order_by)
        part |= {"currency": self.company.currency, "lang": self.report.lang, "names": self.report.names}
        return hashlib.sha256(json.dumps(part, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


_DOTTED = re.compile(r"\b(\d{1,2})[./](\d{1,2})[./](\d{4})\b")


def _dated(text: str) -> Text | None:
    """Say how TOML writes a day that stands as people write it; None where there is none."""
    found = _DOTTED.search(text)
    if found is None:
        return None
    day = f"{found[3]}-{found[2]:0>2}-{found[1]:0>2}"
    return Text(
        f"дата пишется без кавычек, год-месяц-день: {day} вместо {found[0]}",
        f"a date is written without quotes, year-month-day: {day} instead of {found[0]}",
    )


def load_settings(path: Path | None) -> Settings:
    """Read ``audit.toml``; no path gives the defaults. Raise `SettingsError` naming every wrong key at once."""
    if path is None:
        return Settings()
    if not path.is_file():
        raise SettingsError(
            Text(f"Файл настроек не найден: {path}", f"Settings file not found: {path}"),
            todo=Text("Проверьте путь в --settings", "Check the path given to --settings"),
        )
    text = ""
    try:
        text = path.read_text(encoding="utf-8-sig")
        raw = tomllib.loads(text)
    except RecursionError as e:
        raise SettingsError(
            Text("В файле настроек слишком много вложенных скобок", "The settings file nests too many brackets"),
            where=str(path),
            todo=Text("Уберите лишние скобки", "Take the brackets away"),
        ) from e
    except UnicodeDecodeError as e:
        raise SettingsError(
            Text("Файл настроек не в кодировке UTF-8", "The settings file is not UTF-8"),
            where=str(path),
            todo=Text("Сохраните его как UTF-8", "Save it as UTF-8"),
        ) from e
    except tomllib.TOMLDecodeError as e:
        m = re.search(r"line (\d+), column (\d+)", str(e))
        place = f"{path}:{m[1]}:{m[2]}" if m else str(path)
        twice = re.search(r"Cannot declare \('(\w+)',\) twice", str(e))
        if twice:
            name = f"[{twice[1]}]"
            raise SettingsError(
                Text(f"Раздел {name} записан в файле дважды", f"The section {name} stands in the file twice"),
                where=place,
                todo=Text(
                    f"Перенесите его строки под первый заголовок {name}, а второй уберите",
                    f"Move its lines under the first {name} and take the second away",
                ),
            ) from e
        said = _dated(text.splitlines()[int(m[1]) - 1]) if m and int(m[1]) <= len(text.splitlines()) else None
        if said is not None:
            raise SettingsError(
                Text(f"Дата записана не так: {said.ru}", f"A date is written otherwise: {said.en}"),
                where=place,
                todo=Text("Исправьте строку", "Correct the line"),
            ) from e
        raise SettingsError(
            Text(f"Файл настроек не читается как TOML: {e}", f"The settings file is not valid TOML: {e}"),
            where=place,
            todo=Text(
                "Исправьте строку; тексты — в кавычках, пути Windows — в одинарных",
                "Correct the line; texts need quotes, Windows paths single quotes",
            ),
        ) from e
    return settings_from_mapping(raw, origin=str(path))


def settings_from_mapping(raw: Mapping[str, Any], origin: str = "audit.toml") -> Settings:
    """Turn a mapping shaped like ``audit.toml`` into `Settings`, or raise one `SettingsError` with all problems."""
    problems: list[Text] = []
    known = (*CANONICAL_FIELDS, *READING_ONLY_FIELDS)
    columns = raw.get("columns", {})
    if isinstance(columns, Mapping):
        for name in columns:
            if name not in known:
                hint = did_you_mean(name, known)
                problems.append(
                    Text(
                        f"[columns] {name}: нет такого поля — {hint.ru}", f"[columns] {name}: no such field — {hint.en}"
                    )
                )
    try:
        settings = Settings.model_validate(dict(raw))
    except ValidationError as e:
        problems.extend(_explain(error) for error in e.errors())
        settings = Settings()
    if problems:
        raise SettingsError(
            Text(
                "Настройки не приняты:\n  " + "\n  ".join(p.ru for p in problems),
                "The settings are not accepted:\n  " + "\n  ".join(p.en for p in problems),
            ),
            where=origin,
            todo=Text("Исправьте названные строки", "Correct the lines named"),
        )
    return settings


def _explain(error: Any) -> Text:
    loc = [str(part) for part in error["loc"]]
    where = f"[{loc[0]}]" + (" " + ".".join(loc[1:]) if len(loc) > 1 else "")
    if error["type"] == "extra_forbidden":
        hint = did_you_mean(loc[-1], _allowed(loc[:-1]))
        return Text(f"{where}: неизвестный ключ — {hint.ru}", f"{where}: unknown key — {hint.en}")
    value = error.get("input")
    given = value.isoformat() if isinstance(value, dt.date) else repr(value)
    given = given if len(given) <= 60 else given[:57] + "..."
    said = _dated(given) if str(error["type"]).startswith("date") else None
    reason = said or _limit(error) or Text(str(error["msg"]), str(error["msg"]))
    return Text(f"{where} = {given}: не подходит ({reason.ru})", f"{where} = {given}: not accepted ({reason.en})")


def _limit(error: Mapping[str, Any]) -> Text | None:
    """The limit that a value is beyond, None for other errors."""
    limits = error.get("ctx", {})
    if "ge" in limits:
        return Text(f"не меньше {limits['ge']}", f"not less than {limits['ge']}")
    if "le" in limits:
        return Text(f"не больше {limits['le']}", f"not more than {limits['le']}")
    for key, ru, en in (("min_length", "не меньше", "not fewer than"), ("max_length", "не больше", "not more than")):
        if key in limits:
            return Text(f"знаков {ru} {limits[key]}", f"{en} {limits[key]} characters")
    return None


def _allowed(loc: list[str]) -> list[str]:
    model: Any = Settings
    for part in loc:
        if part.isdigit():
            continue
        info = getattr(model, "model_fields", {}).get(part)
        if info is None:
            return []
        model = info.annotation
        args = getattr(model, "__args__", ())
        if not hasattr(model, "model_fields") and args:
            model = args[0]
    return list(getattr(model, "model_fields", {}))
