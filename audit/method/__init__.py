"""The method as data: roles, functions, types of sale, thresholds, findings, actions, benchmarks, header synonyms.

Everything a consultant would want to change is data with unit and source: what all chapters share in
``audit/method/data/*.toml``, and what one chapter measures, finds and advises in the ``room.toml`` of its folder in
``audit/chapters``. It is read once into frozen objects; an unknown key or a reference to nothing is our own mistake and
refuses to load.
"""

from __future__ import annotations

import math
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal, NoReturn

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError, model_validator

from audit.errors import Lang, SettingsError, Text, did_you_mean

__all__ = [
    "ActionSpec",
    "Answer",
    "Benchmark",
    "ChapterSpec",
    "FindingSpec",
    "Function",
    "HeaderSpec",
    "Method",
    "MetricSpec",
    "Owners",
    "Role",
    "SaleType",
    "SelfCheckQuestion",
    "Threshold",
    "Thresholds",
    "method",
]

SALE_TYPES = ("T", "TC", "C", "S", "CS")


class _Data(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Named(_Data):
    ru: str
    en: str

    @property
    def name(self) -> Text:
        """The name in both languages."""
        return Text(self.ru, self.en)


class Role(_Named):
    """A role of the conveyor or around it; ``family`` gathers the roles whose hours are judged together."""

    code: str
    short_ru: str | None = None
    short_en: str | None = None
    family: str
    meets_clients: bool = False
    paid_for: tuple[str, ...] | None = None
    """What variable pay of this role should be for: its own work (answers ``pays_for``); None: the role is not judged."""
    source: str
    titles: tuple[str, ...]

    @property
    def short(self) -> Text:
        """The short name used in charts and tables: «КМ», “KM”."""
        return Text(self.short_ru or self.ru.split(" (")[0], self.short_en or self.en)


class Owners(_Data):
    """Who owns a function in one type of sale; both empty: not in that conveyor."""

    primary: tuple[str, ...]
    allowed: tuple[str, ...]
    inferred: bool

    @property
    def in_conveyor(self) -> bool:
        """Whether the function belongs to the conveyor of that type at all."""
        return bool(self.primary or self.allowed)


class Function(_Named):
    """A function of the department, its group and its owners per type of sale."""

    code: str
    group: str
    source: str
    note: str
    owners: dict[str, Owners]
    transferable: tuple[float, float, float] | None = None
    """Share of an hour that can be handed over: low, base, high."""
    relief: Literal["clerk", "coordinator", "back_office"] | None = None
    """The kind of relief that takes it off client managers; None: none of the three."""
    also: tuple[str, ...] = ()
    """Names it had before, which filled questionnaires still carry."""


class Group(_Named):
    """A group of functions; ``OPER`` is operational work."""

    code: str


class SaleType(_Named):
    """A type of sale and the stations that its conveyor requires."""

    code: str
    required: tuple[str, ...]
    conditional: tuple[str, ...]
    source: str


class HandoffTrigger(_Named):
    """A trigger of a hand-off; ``tests`` names the questionnaire column with its number."""

    code: str
    tests: str


class HeaderVariant(_Data):
    """One spelling of a column header and where it was seen."""

    header: str
    seen: str


class HeaderSpec(_Data):
    """A canonical field and the headers under which exports carry it."""

    field: str
    variants: tuple[HeaderVariant, ...]


class MetricSpec(_Named):
    """A metric: unit, direction, definition, formula, source."""

    id: str
    unit: str
    bad: Literal["high", "low"] | None = None
    benchmark: str | None = None
    source: str
    definition_ru: str
    definition_en: str
    formula: str
    since: int = 1
    """Edition of the methodology from which this definition holds; figures of earlier ones are not compared with it."""

    @property
    def definition(self) -> Text:
        """The definition in both languages."""
        return Text(self.definition_ru, self.definition_en)

    @property
    def chapter(self) -> str:
        """The chapter that computes the metric."""
        return self.id.split(".")[0]


class Units(_Named):
    """What a verdict is counted in: its name, and the figure beside the metric that counts it (``n``: its own)."""

    of: str = "n"


class ChapterSpec(_Named):
    """A chapter of the audit, the folder of its room and the notebook that shows it."""

    id: str
    room: str
    notebook: str


class FindingSpec(_Named):
    """A finding of the catalogue: the metrics it rests on, what it needs, the actions it calls for.

    With a ``rule`` the verdict is declared and the first metric is judged: ``band`` by the threshold of the finding's
    own name, ``any`` found above zero. Without one it is code in the room's ``verdicts.py``.
    """

    id: str
    metrics: tuple[str, ...]
    needs: tuple[str, ...]
    actions: tuple[str, ...]
    rule: Literal["band", "any"] | None = None
    few: Units | None = None
    """Not assessed with fewer of these than ``general.min_units``."""
    by: str = ""
    """The figure beside the metric that is judged instead of it."""
    steady: bool = False
    """Watched at most, unless the verdict holds without the client that dominates the figure."""
    periods: bool = False
    """A share of the whole window that the last 12 months correct."""
    by_group: bool = False
    """Where hours known by group only leave the figure open, that is said to be the reason."""
    sampled: bool = True
    """Whether more units would narrow the interval: not one that comes from answers not given or from assumptions."""
    together: bool = False
    """One role alarms by its own figure; what its few people leave open is clear where all the roles together are."""
    cap: str = ""
    """The fact that, where it is true, keeps the verdict at ``watch``."""
    role_hours_share: str = ""
    base_revenue_share: str = ""
    """The fact that weighs the finding: a share of a role's hours, of the base's revenue."""
    table: str | None = None
    """Key of the chapter's table behind it."""
    symptom_of: str = ""
    """The finding whose symptom it is where that is found: both are told as one problem."""
    money: Literal["gain", "risk", "none"] = "none"
    """What it may be worth: a gain a year, a risk (chance × stake), or nothing of its own, which its sentence then says."""
    picture: tuple[str, ...] = ()
    """Charts that are its evidence, best first; without one its figure stands on the scale of its verdict."""
    facts: tuple[str, ...] = ("value", "low", "high", "n", "watch", "found")
    """What its sentences name: the metric's figure, its limits, what stands beside it (``extra``: all of that), facts
    of the chapter."""

    @model_validator(mode="after")
    def _declared_by_a_rule(self) -> FindingSpec:
        declared = self.model_fields_set - {
            "id",
            "ru",
            "en",
            "metrics",
            "needs",
            "actions",
            "rule",
            "money",
            "picture",
            "symptom_of",
        }
        if self.rule is None and declared:
            raise ValueError(f"{', '.join(sorted(declared))}: read only with a rule")
        if self.rule == "any" and (idle := declared - {"table", "facts"}):
            raise ValueError(f'{", ".join(sorted(idle))}: read only with rule = "band"')
        return self

    @property
    def chapter(self) -> str:
        """The chapter that judges the finding."""
        return self.id.split(".")[0]


class ActionSpec(_Named):
    """A step that answers findings: owner role, effort, horizon, what must come first, what proves it."""

    id: str
    owner: str
    effort: Literal["low", "medium", "high"]
    horizon_days: Literal[30, 60, 90]
    metric: str | None = None
    target: float | None = None
    after: tuple[str, ...] = ()
    within: str | None = None
    """The wider step that this one is a part of: a plan with that one does not name this one again."""
    form: str | None = None
    """The form of ``km-audit forms`` that the step orders."""
    first_step_ru: str
    first_step_en: str

    def first_step(self) -> Text:
        """Return the first step in general; that of an audit names numbers and names (``templates/narrative/actions``)."""
        return Text(self.first_step_ru, self.first_step_en)


class Benchmark(_Named):
    """A published figure that stands beside the client's own."""

    id: str
    value: float
    unit: str
    source: str


class Answer(_Named):
    """An answer the questionnaire offers: its code, how it is worded, other spellings read as the same answer."""

    code: str
    also: tuple[str, ...] = ()


class SelfCheckQuestion(_Named):
    """A question to the management."""

    number: str
    source: str


class Reason(_Named):
    """Why a threshold stands where it does, in both languages."""

    @model_validator(mode="before")
    @classmethod
    def _one_text(cls, value: Any) -> Any:
        return {"ru": value, "en": value} if isinstance(value, str) else value


class Threshold(_Data):
    """Limits of a verdict (``watch``, ``found``, ``bad``), a single ``value``, or a range ``low/base/high``."""

    unit: str
    source: str
    reason: Reason
    watch: float | None = None
    found: float | None = None
    bad: Literal["high", "low"] | None = None
    value: float | None = None
    low: float | None = None
    base: float | None = None
    high: float | None = None

    @property
    def kind(self) -> Literal["band", "value", "range"]:
        """Which of the three shapes this threshold has."""
        if self.watch is not None:
            return "band"
        return "value" if self.value is not None else "range"


_KEYS = {"band": ("watch", "found"), "value": ("value",), "range": ("low", "base", "high")}


@dataclass(frozen=True)
class Thresholds:
    """All thresholds in force; iterate over ids, look one up, or override some for an engagement."""

    items: Mapping[str, Threshold]
    overridden: frozenset[str] = frozenset()

    def __iter__(self) -> Iterator[str]:
        return iter(self.items)

    def __getitem__(self, key: str) -> Threshold:
        if key not in self.items:
            raise KeyError(f"no threshold {key!r}")
        return self.items[key]

    def value(self, key: str) -> float:
        """Return a single parameter."""
        value = self[key].value
        assert value is not None, f"{key} is not a single value"
        return value

    def count(self, key: str) -> int:
        """Return a single parameter as a whole number."""
        return int(self.value(key))

    def range(self, key: str) -> tuple[float, float, float]:
        """Return a low / base / high parameter."""
        t = self[key]
        assert t.low is not None and t.base is not None and t.high is not None, f"{key} is not a range"
        return t.low, t.base, t.high

    def override(self, changes: Mapping[str, Mapping[str, float] | float]) -> Thresholds:
        """Return the thresholds with an engagement's own values; unknown names and impossible values are refused."""
        items = dict(self.items)
        for key, change in changes.items():
            where = f'audit.toml, [thresholds], "{key}"'
            if key not in items:
                hint = did_you_mean(key, items)
                raise SettingsError(
                    Text(f"Неизвестный порог «{key}»", f"Unknown threshold “{key}”"),
                    where=where,
                    todo=Text(f"Исправьте имя: {hint.ru}", f"Correct the name: {hint.en}"),
                )
            old = items[key]
            if not isinstance(change, Mapping):
                change = {"value": change}
            allowed = _KEYS[old.kind]
            for name, number in change.items():
                if name not in allowed:
                    hint = did_you_mean(name, allowed)
                    raise SettingsError(
                        Text(f"У порога «{key}» нет ключа «{name}»", f"Threshold “{key}” has no key “{name}”"),
                        where=where,
                        todo=Text(f"Исправьте ключ: {hint.ru}", f"Correct the key: {hint.en}"),
                    )
                if isinstance(number, bool) or not isinstance(number, int | float) or math.isnan(number):  # type: ignore[redundant-expr]
                    raise SettingsError(
                        Text(f"Порог «{key}»: «{number}» — не число", f"Threshold “{key}”: “{number}” is not a number"),
                        where=where,
                        todo=Text("Укажите число, например 0.2", "Give a number, for example 0.2"),
                    )
            new = old.model_copy(update={k: float(v) for k, v in change.items()})
            _check_order(key, new, where)
            items[key] = new
        return Thresholds(MappingProxyType(items), self.overridden | frozenset(changes))


def _check_order(key: str, t: Threshold, where: str) -> None:
    def refuse(ru: str, en: str) -> NoReturn:
        raise SettingsError(
            Text(f"Порог «{key}»: {ru}", f"Threshold “{key}”: {en}"),
            where=where,
            todo=Text("Поменяйте значения местами или исправьте их", "Swap the values or correct them"),
        )

    if t.kind == "band":
        assert t.watch is not None and t.found is not None
        if t.bad == "high" and t.watch > t.found:
            refuse("watch больше found, хотя плохо — когда много", "watch is above found, though high is bad")
        if t.bad == "low" and t.watch < t.found:
            refuse("watch меньше found, хотя плохо — когда мало", "watch is below found, though low is bad")
    if t.kind == "range":
        assert t.low is not None and t.base is not None and t.high is not None
        if not t.low <= t.base <= t.high:
            refuse("нужно low ≤ base ≤ high", "low ≤ base ≤ high is required")


@dataclass(frozen=True)
class Method:
    """The whole method, loaded once."""

    chapters: Mapping[str, ChapterSpec]
    """In the order of the report, which is that of the notebooks."""
    roles: Mapping[str, Role]
    groups: Mapping[str, Group]
    functions: Mapping[str, Function]
    sale_types: Mapping[str, SaleType]
    triggers: Mapping[str, HandoffTrigger]
    headers: Mapping[str, HeaderSpec]
    services: Mapping[str, Group]
    complaint_reasons: Mapping[str, Group]
    metrics: Mapping[str, MetricSpec]
    findings: Mapping[str, FindingSpec]
    actions: Mapping[str, ActionSpec]
    benchmarks: Mapping[str, Benchmark]
    self_check: Mapping[str, SelfCheckQuestion]
    """By number, "1" to "8"."""
    answers: Mapping[str, Mapping[str, Answer]]
    """Lists of answers of the questionnaire: list → code → answer."""
    thresholds: Thresholds = field(repr=False)

    def functions_of(self, group: str) -> tuple[str, ...]:
        """Return the codes of a group's functions in the order of the code list."""
        return tuple(c for c, f in self.functions.items() if f.group == group)

    def findings_of(self, chapter: str) -> tuple[FindingSpec, ...]:
        """Return a chapter's findings in the order of the catalogue."""
        return tuple(f for f in self.findings.values() if f.chapter == chapter)

    def describe(self, id: str, lang: Lang) -> str:
        """Return the name of a metric, finding, action, role or function in ``lang``, or the id itself."""
        tables: tuple[Mapping[str, Any], ...] = (
            self.findings,
            self.metrics,
            self.actions,
            self.roles,
            self.functions,
            self.benchmarks,
        )
        for table in tables:
            if id in table:
                return str(table[id].name.get(lang))
        return id


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads(files("audit.method").joinpath("data", name).read_text(encoding="utf-8"))


def _rooms() -> dict[str, dict[str, Any]]:
    """Return what each room says of itself, by the name of its folder, in the order of the notebooks."""
    pages = {f.name: f.joinpath("room.toml") for f in files("audit").joinpath("chapters").iterdir() if f.is_dir()}
    rooms = {name: tomllib.loads(page.read_text(encoding="utf-8")) for name, page in pages.items() if page.is_file()}
    return dict(sorted(rooms.items(), key=lambda r: str(r[1]["notebook"])))


def _specs(kind: Any, raw: Mapping[str, Any], where: str, key: str | None = "code", prefix: str = "") -> dict[str, Any]:
    """Check the entries of a table of data and return them by their full name."""
    adapter, out = TypeAdapter(kind), {}
    for code, body in raw.items():
        name = f"{prefix}{code}"
        try:
            out[name] = adapter.validate_python({**body, key: name} if key else body)
        except ValidationError as e:
            raise ValueError(f"{where}, [{code}]: {e}") from e
    return out


@lru_cache(maxsize=1)
def method() -> Method:
    """Load the method from the package's data files once; raise on an unknown key or a dangling reference."""

    def table(kind: Any, name: str, key: str | None = "code", part: str | None = None) -> Any:
        raw = _read(name) if part is None else _read(name)[part]
        return MappingProxyType(_specs(kind, raw, f"audit/method/data/{name}", key))

    chapters: dict[str, ChapterSpec] = {}
    parts: dict[str, dict[str, Any]] = {"metrics": {}, "findings": {}, "actions": {}}
    parts["thresholds"] = dict(table(Threshold, "thresholds.toml", None))
    for room, raw in _rooms().items():
        where = f"audit/chapters/{room}/room.toml"
        own = {k: v for k, v in raw.items() if k not in parts}
        id = str(own["id"])
        chapters |= _specs(ChapterSpec, {id: {**own, "room": room}}, where, "id")
        prefix = f"{id}."
        parts["metrics"] |= _specs(MetricSpec, raw.get("metrics", {}), where, "id", prefix)
        parts["findings"] |= _specs(FindingSpec, raw.get("findings", {}), where, "id", prefix)
        parts["thresholds"] |= _specs(Threshold, raw.get("thresholds", {}), where, None, prefix)
        parts["actions"] |= _specs(ActionSpec, raw.get("actions", {}), where, "id")
    loaded = Method(
        chapters=MappingProxyType(chapters),
        roles=table(Role, "roles.toml"),
        groups=table(Group, "groups.toml"),
        functions=table(Function, "functions.toml"),
        sale_types=table(SaleType, "sale_types.toml"),
        triggers=table(HandoffTrigger, "handoff_triggers.toml"),
        headers=table(HeaderSpec, "headers.toml", "field"),
        services=table(Group, "services.toml", part="services"),
        complaint_reasons=table(Group, "services.toml", part="complaint_reasons"),
        metrics=MappingProxyType(parts["metrics"]),
        findings=MappingProxyType(parts["findings"]),
        actions=MappingProxyType(parts["actions"]),
        benchmarks=table(Benchmark, "benchmarks.toml", "id"),
        self_check=table(SelfCheckQuestion, "self_check.toml", "number"),
        answers=MappingProxyType({part: table(Answer, "answers.toml", "code", part) for part in _read("answers.toml")}),
        thresholds=Thresholds(MappingProxyType(parts["thresholds"])),
    )
    _check_references(loaded)
    return loaded


def _check_references(m: Method) -> None:
    def known(name: str, table: Mapping[str, Any] | Thresholds, where: str) -> None:
        if name not in (table.items if isinstance(table, Thresholds) else table):
            raise ValueError(f"the method: {where} names {name!r}, which does not exist")

    for spec in m.roles.values():
        for code in spec.paid_for or ():
            known(code, m.answers["pays_for"], "roles.toml")
    for role in m.answers["role"]:
        known(role, m.roles, "answers.toml")
    for f in m.functions.values():
        known(f.group, m.groups, f.code)
        if set(f.owners) != set(SALE_TYPES):
            raise ValueError(f"audit/method/data: {f.code} lacks an owner for a type of sale")
        for owners in f.owners.values():
            for role in (*owners.primary, *owners.allowed):
                known(role, m.roles, f.code)
    for t in m.sale_types.values():
        for role in (*t.required, *t.conditional):
            known(role, m.roles, t.code)
    for finding in m.findings.values():
        if finding.rule == "band":
            known(finding.id, m.thresholds, f"the rule of {finding.id}")
        for metric in finding.metrics:
            known(metric, m.metrics, finding.id)
        for action in finding.actions:
            known(action, m.actions, finding.id)
    for a in m.actions.values():
        known(a.owner, m.roles, a.id)
        for before in a.after:
            known(before, m.actions, a.id)
        if a.within is not None:
            known(a.within, m.actions, a.id)
        if a.metric is not None:
            known(a.metric, m.metrics, a.id)
    for metric_spec in m.metrics.values():
        if metric_spec.benchmark is not None:
            known(metric_spec.benchmark, m.benchmarks, metric_spec.id)
