"""Populations of invented companies, to count how often the audit is right."""

from __future__ import annotations

from typing import Literal

from tools.samples.diseases import DISEASES
from tools.samples.draw import Draw
from tools.samples.spec import CompanySpec, Disease, SaleType, Season, Sector

Kind = Literal["healthy", "sick"]

_TYPES: tuple[SaleType, ...] = ("TC", "T", "C", "TC", "CS", "S")
_SEASONS: tuple[Season, ...] = ("none", "summer_dip", "december_peak", "both")
_SECTORS: tuple[Sector, ...] = ("generic", "chemicals", "household", "engineering")
_CLIENTS: dict[SaleType, tuple[int, int]] = {
    "T": (80, 160),
    "TC": (160, 380),
    "C": (110, 220),
    "CS": (110, 180),
    "S": (120, 200),
}
_SICK_SCALE: dict[SaleType, float] = {"T": 0.6, "TC": 1.0, "C": 0.8, "CS": 0.7, "S": 0.6}
"""Type T buys so often that fewer clients carry the same evidence; the project types have few anyway."""


def population(
    kind: Kind, n: int, seed: int, chapters: tuple[str, ...] = (), findings: tuple[str, ...] = ()
) -> tuple[CompanySpec, ...]:
    """``n`` specifications of companies with a known state of health.

    ``healthy``: all types of sale in turn, various sizes, teams and seasons, every fifth with the columns of
    a common export only, every seventh in English. ``sick``: one planted disease each, all diseases in turn
    and each through all types of sale it can live in; ``chapters`` (e.g. ``("roles", "model")``) or
    ``findings`` narrow the diseases. Deterministic by ``seed``; another seed gives other companies. Raises
    ValueError when no disease is left.
    """
    draw = Draw(seed, f"population {kind}")
    if kind == "healthy":
        return tuple(_healthy(i, seed, draw) for i in range(n))
    chosen = [f for f in DISEASES if not chapters or f.split(".")[0] in chapters]
    chosen = [f for f in chosen if not findings or f in findings]
    if not chosen:
        raise ValueError(f"no disease in chapters {chapters} and findings {findings}")
    return tuple(_sick(i, chosen, seed, draw) for i in range(n))


def _seed(seed: int, i: int) -> int:
    return seed * 1_000_003 + i * 7919 + 1


def _healthy(i: int, seed: int, draw: Draw) -> CompanySpec:
    sale_type = _TYPES[i % len(_TYPES)]
    low, high = _CLIENTS[sale_type]
    size = float(draw.uniform(1)[0])
    # Odd teams: an even split of an even team leaves a bus factor that chance alone undercuts.
    sellers = 3 if size < 0.35 else 5 if size < 0.8 or sale_type in ("C", "CS", "S") else 7
    return CompanySpec(
        name=f"healthy_{i:03d}",
        sale_type=sale_type,
        clients=round(low + size * (high - low)),
        sellers=sellers,
        years=4 if i % 11 == 10 else 3,
        seed=_seed(seed, i),
        lang="en" if i % 7 == 6 else "ru",
        season=_SEASONS[int(draw.whole(0, 3, 1)[0])],
        sector=_SECTORS[int(draw.whole(0, 3, 1)[0])],
        columns="standard" if i % 5 == 4 else "full",
        # Somebody leaves in every fourth company and the book is handed over without a loss.
        overrides=(("leaver", True),) if i % 4 == 3 else (),
    )


def _sick(i: int, chosen: list[str], seed: int, draw: Draw) -> CompanySpec:
    finding = chosen[i % len(chosen)]
    planted = DISEASES[finding]
    sale_type = planted.types[(i // len(chosen)) % len(planted.types)]
    clients = round(planted.clients * _SICK_SCALE[sale_type] * float(draw.uniform(1, low=1.0, high=1.2)[0]))
    return CompanySpec(
        name=f"sick_{i:03d}_{finding.replace('.', '_')}",
        sale_type=sale_type,
        clients=clients,
        sellers=planted.sellers,
        seed=_seed(seed, i + 500_000),
        diseases=(Disease(finding),),
        season=_SEASONS[int(draw.whole(0, 3, 1)[0])],
        sector=_SECTORS[int(draw.whole(0, 3, 1)[0])],
    )
