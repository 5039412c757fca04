"""What intake tells about the files: what came in, what was set aside and why, what must be asked."""

from __future__ import annotations

import datetime as dt
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from audit.errors import NO_WORDS, Answer, Text

__all__ = [
    "ELSEWHERE",
    "SERVICE",
    "ColumnUse",
    "ControlSum",
    "DuplicateClient",
    "FileUse",
    "IntakeReport",
    "PersonUse",
    "Question",
    "SetAside",
    "SetAsideRow",
]


SERVICE = frozenset({"blank_row", "repeated_header", "page_line", "total_row", "subtotal_row", "group_row"})
"""Reasons of rows that hold no sale and never did: what a report prints between its rows."""
ELSEWHERE = frozenset(
    {"dispatch_dated", "dispatch_no_order", "payment", "same_sale", "duplicate_document", "repeated_row"}
)
"""Reasons of rows whose sale is counted where else it stands."""


@dataclass(frozen=True, slots=True)
class FileUse:
    """One file as it was read. ``rows_read = rows_used + rows_set_aside``."""

    name: str
    sha256: str
    size_bytes: int
    format: str
    encoding: str | None = None
    delimiter: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    rows_read: int = 0
    rows_used: int = 0
    rows_set_aside: int = 0
    rows_service: int = 0
    """Of the rows set aside those between the data: totals, groups, repeated headers, blanks."""


@dataclass(frozen=True, slots=True)
class ColumnUse:
    """How one header of a file was understood."""

    file: str
    header: str
    field: str | None
    how: Literal["mapped", "guessed", "setting", "derived", "not_used", "unmapped"]
    score: float | None = None
    example: str | None = None


@dataclass(frozen=True, slots=True)
class SetAsideRow:
    """One row set aside: where it stands, the column at fault and what it holds."""

    file: str
    row: int
    column: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class SetAside:
    """Rows set aside for one reason, with the first few of them."""

    code: str
    text: Text
    rows: int
    revenue: float | None = None
    example: str | None = None
    examples: tuple[SetAsideRow, ...] = ()


@dataclass(frozen=True, slots=True)
class PersonUse:
    """One spelling of a person in the orders and who it is."""

    spelling: str
    field: str
    person: str | None
    how: Literal["known", "system", "proposed", "unknown"]
    rows: int
    revenue_share: float
    proposal: str | None = None


@dataclass(frozen=True, slots=True)
class DuplicateClient:
    """Two clients that may be one."""

    client_a: str
    client_b: str
    name_a: str
    name_b: str
    similarity: float
    revenue_a: float
    revenue_b: float
    reason: str


@dataclass(frozen=True, slots=True)
class ControlSum:
    """A total that the file carries against the rows used (or read) from it."""

    file: str
    label: str
    stated: float
    counted: float
    agrees: bool


@dataclass(frozen=True, slots=True)
class Question:
    """Something to ask; ``answer`` is the line of audit.toml that settles it, the likeliest where there are several."""

    text: Text
    answer: str = ""
    others: tuple[Answer, ...] = ()
    """Every other possible answer."""
    kind: str = ""
    """The trap that asks."""
    share: float = 0.0
    """Share of revenue in question, 0–1; 0 where no money is."""
    taken: bool = False
    """Whether the files were read as ``answer`` says: the signs leave little doubt, a person still has to confirm."""
    means: Text = NO_WORDS
    """What ``answer`` says, in words."""


FOREIGN = "foreign_currency"
"""The reason of rows whose amount is in another currency than the report's."""


@dataclass(frozen=True, slots=True)
class IntakeReport:
    """Everything intake knows about the orders; ``rows_read = rows_used + rows_set_aside``."""

    files: tuple[FileUse, ...]
    columns: tuple[ColumnUse, ...]
    fields: tuple[str, ...]
    """Canonical fields present in at least one file."""
    field_coverage: dict[str, float]
    """Share of used absolute revenue whose rows have the field."""
    rows_read: int
    rows_used: int
    rows_set_aside: int
    set_aside: tuple[SetAside, ...]
    first_date: dt.date
    last_date: dt.date
    revenue: float
    people: tuple[PersonUse, ...] = ()
    duplicate_clients: tuple[DuplicateClient, ...] = ()
    control_sums: tuple[ControlSum, ...] = ()
    questions: tuple[Question, ...] = ()
    notes: tuple[Text, ...] = ()
    """Plain statements for the data page: what was derived, assumed, or found odd."""
    counts: dict[str, int] = field(default_factory=dict)
    """Counts by name: duplicate_lines, returns, unlinked_returns, future_rows, gap_months …"""
    period_start: dt.date | None = None
    period_end: dt.date | None = None
    """What the export covers: whole months, or its title; None: from the first order to the last."""
    currency: str = "RUB"
    """Code of the currency of all money; empty where nothing says it."""
    currency_source: str = "files"
    """Whence it is known: settings, questionnaire, files, form (ИНН, rouble sign, 1C), unknown."""

    @property
    def service_rows(self) -> int:
        """Rows between the data: totals, group rows, repeated headers, blanks."""
        return sum(s.rows for s in self.set_aside if s.code in SERVICE)

    @property
    def revenue_used_share(self) -> float:
        """Share of the money read that is used, 0–1; what is counted elsewhere is not missing, other money does not add."""
        apart = SERVICE | ELSEWHERE | {FOREIGN}
        aside = sum(abs(s.revenue or 0.0) for s in self.set_aside if s.code not in apart)
        every = abs(self.revenue) + aside
        return abs(self.revenue) / every if every else 1.0

    @property
    def rows_used_share(self) -> float:
        """Share of the rows of data that is used, 0–1."""
        aside = sum(s.rows for s in self.set_aside if s.code not in SERVICE | ELSEWHERE)
        return self.rows_used / (self.rows_used + aside) if self.rows_used + aside else 0.0

    def as_json(self) -> dict[str, Any]:
        """Return the report as JSON values."""
        return dict(_plain(asdict(self)))

    @classmethod
    def from_json(cls, raw: dict[str, Any]) -> IntakeReport:
        """Build the report from what `as_json` gave."""

        def text(v: dict[str, str]) -> Text:
            return Text(v["ru"], v["en"])

        return cls(
            files=tuple(FileUse(**f) for f in raw["files"]),
            columns=tuple(ColumnUse(**c) for c in raw["columns"]),
            fields=tuple(raw["fields"]),
            field_coverage=raw["field_coverage"],
            rows_read=raw["rows_read"],
            rows_used=raw["rows_used"],
            rows_set_aside=raw["rows_set_aside"],
            set_aside=tuple(
                SetAside(
                    **{**s, "text": text(s["text"]), "examples": tuple(SetAsideRow(**e) for e in s.get("examples", ()))}
                )
                for s in raw["set_aside"]
            ),
            first_date=dt.date.fromisoformat(raw["first_date"]),
            last_date=dt.date.fromisoformat(raw["last_date"]),
            revenue=raw["revenue"],
            people=tuple(PersonUse(**p) for p in raw["people"]),
            duplicate_clients=tuple(DuplicateClient(**d) for d in raw["duplicate_clients"]),
            control_sums=tuple(ControlSum(**c) for c in raw["control_sums"]),
            questions=tuple(
                Question(
                    **{
                        **q,
                        "text": text(q["text"]),
                        "means": text(q["means"]),
                        "others": tuple(Answer(text(a["means"]), a["lines"]) for a in q.get("others", ())),
                    }
                )
                for q in raw["questions"]
            ),
            notes=tuple(text(n) for n in raw["notes"]),
            counts=raw["counts"],
            period_start=dt.date.fromisoformat(raw["period_start"]) if raw["period_start"] else None,
            period_end=dt.date.fromisoformat(raw["period_end"]) if raw["period_end"] else None,
            currency=raw["currency"],
            currency_source=raw["currency_source"],
        )


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {k: _plain(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(v) for v in value]
    if isinstance(value, dt.date):
        return value.isoformat()
    return value
