"""What company to invent: the specification, and the finished company with the truth about it.

A specification is small and frozen; everything else follows from it and its seed. Diseases are named by the
ids of the findings that must notice them, so that a benchmark can compare plan and diagnosis without a
dictionary.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import pandas as pd

SaleType = Literal["T", "TC", "C", "S", "CS"]
Columns = Literal["full", "standard", "bare"]
Tables = Literal["full", "required", "none"]
Season = Literal["none", "summer_dip", "december_peak", "both"]
Sector = Literal["chemicals", "household", "engineering", "generic"]


@dataclass(frozen=True)
class Disease:
    """One planted disease: the finding that must notice it and how strong it is.

    ``strength`` is in the disease's own unit (a share, a probability, a number of people; see
    ``tools.samples.diseases``); None takes the default, which lies clearly beyond the ``found`` threshold.
    """

    finding: str
    strength: float | None = None


@dataclass(frozen=True)
class CompanySpec:
    """An invented company to be made.

    ``clients`` counts clients with at least one order in the window, roughly; ``sellers`` the people who own
    repeat business (КМ; СОП in type T; СР in type S). ``columns``: full = everything contracts.md names that
    a company can have, standard = what a common export holds, bare = date, client, amount. ``tables``: full =
    every table of the questionnaire, required = company, staff, time, none = no questionnaire. ``overrides``
    sets single parameters of ``Traits`` after the diseases; ``may`` and ``found`` declare what such overrides
    add to the expectation.
    """

    name: str
    sale_type: SaleType = "TC"
    clients: int = 300
    years: int = 3
    sellers: int = 5
    seed: int = 1
    lang: Literal["ru", "en"] = "ru"
    diseases: tuple[Disease, ...] = ()
    season: Season = "both"
    columns: Columns = "full"
    tables: Tables = "full"
    sector: Sector = "generic"
    title: str = ""
    end: date = date(2025, 12, 31)
    overrides: tuple[tuple[str, Any], ...] = ()
    found: tuple[str, ...] = ()
    may: tuple[str, ...] = ()

    @property
    def start(self) -> date:
        """First day of the export: the 1 January that opens the window of ``years``."""
        return date(self.end.year - self.years, self.end.month, self.end.day) + timedelta(days=1)


@dataclass(frozen=True)
class Company:
    """An invented company, finished.

    ``orders``: one row per order line, canonical columns, ``order_date`` and other dates as ISO strings,
    missing values as None. ``questionnaire``: table name → frame with the keys of the questionnaire.
    ``truth``: what was planted (``truth``), what came out by chance (``realised``) and what an audit must say
    (``expect``).
    """

    spec: CompanySpec
    orders: pd.DataFrame
    questionnaire: dict[str, pd.DataFrame]
    truth: dict[str, Any]
