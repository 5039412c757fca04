"""The three companies that ship with the kit, in ``data_samples/``."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tools.samples.company import generate
from tools.samples.files import write
from tools.samples.parts import with_part
from tools.samples.spec import Company, CompanySpec, Disease


@dataclass(frozen=True)
class Sample:
    """A shipped company and how its orders are written; ``part``: what it also sells in another way, and its segment."""

    spec: CompanySpec
    headers: Literal["canonical", "ru"]
    part: tuple[CompanySpec, str] | None = None

    def make(self) -> Company:
        """Invent the company."""
        main = generate(self.spec)
        return main if self.part is None else with_part(main, generate(self.part[0]), self.part[1])


SHIPPED: tuple[Sample, ...] = (
    # The example of the method: nine orders a manager and day, each pushed through by hand, no time left for the clients'
    # touches, and the base leaks at its mouth.
    Sample(
        CompanySpec(
            name="khimsnab",
            title="ООО «Химснаб-Приречье»",
            sale_type="TC",
            clients=1800,
            years=3,
            sellers=5,
            seed=11,
            sector="chemicals",
            season="summer_dip",
            diseases=(
                Disease("roles.km_overload", 0.52),
                Disease("roles.entry_burden", 0.72),
                Disease("retention.leaky_first_purchase", 0.45),
            ),
            overrides=(
                ("leaver", True),
                ("orders_per_year", 9.0),
                ("lines_mean", 1.4),
                ("ticket_rub", 30_000.0),
                ("touches_per_client_month", 2.0),
                ("denied", (4,)),
            ),
            found=("ownership.overloaded_book",),
            may=("selfcheck.contradiction",),
        ),
        "ru",
    ),
    # Forty people, nothing wrong and plenty of season: the audit has to stay quiet. Many new clients, handed over once a
    # contract is signed, after the first, second or third purchase: those handed over can be held against those not yet.
    Sample(
        CompanySpec(
            name="veldora_opt",
            title="ООО «Велдора-Опт»",
            sale_type="TC",
            clients=1100,
            years=3,
            sellers=14,
            seed=23,
            sector="household",
            season="both",
            overrides=(
                ("orders_per_year", 6.5),
                ("lines_mean", 1.4),
                ("ticket_rub", 130_000.0),
                ("arrivals_share", 0.65),
                ("handoff_k", 3),
                ("handoff_trigger", "TRG_DEAL"),
                ("handoff_anywhere", (1, 3)),
            ),
        ),
        "canonical",
    ),
    # Projects: few orders a client, project managers and engineers, one mild disease; beside them a desk that sells spare
    # parts and consumables every two weeks, by a conveyor of its own.
    Sample(
        CompanySpec(
            name="proekt_inzh",
            title="АО «Климат-Проект Север»",
            sale_type="C",
            clients=150,
            years=3,
            sellers=3,
            seed=31,
            sector="engineering",
            season="none",
            diseases=(Disease("keys.no_plan", 0.6),),
        ),
        "ru",
        (
            CompanySpec(
                name="zapchasti",
                sale_type="T",
                clients=120,
                years=3,
                sellers=3,
                seed=37,
                sector="engineering",
                season="none",
                overrides=(("ticket_rub", 55_000.0), ("lines_mean", 1.6)),
            ),
            "Запчасти и расходники",
        ),
    ),
)


def write_shipped(folder: Path) -> list[Company]:
    """Make the shipped companies and write each into ``folder/<name>``; returns them."""
    made = []
    for sample in SHIPPED:
        company = sample.make()
        write(company, folder / sample.spec.name, headers=sample.headers)
        made.append(company)
    return made
