"""The 200 orders behind every disguise, and the canonical table that every disguise must give."""

from __future__ import annotations

import datetime as dt
import random
from dataclasses import dataclass
from decimal import Decimal

CLIENTS = (
    'ООО "Ромашка"',
    "АО Василёк",
    "ИП Петров Пётр Петрович",
    "ООО «Завод имени Серго»",
    "ПАО Берёза-Строй",
    "ТД Северный ветер",
    'ЗАО "Три кита"',
    "ООО Пять & Ко",
    "ООО Снабжение № 1",
    "Бюро <Альфа>; Бета",
)
MANAGERS = ("Иванов Иван Иванович", "Петрова Анна Сергеевна", "Сидоров Олег Игоревич")
AUTHORS = (*MANAGERS, "Администратор", "Кузнецова Ольга Павловна")
STATUSES = {"Закрыт": "closed", "К отгрузке": "open", "Отгружен": "shipped"}


@dataclass(frozen=True)
class Order:
    number: str
    date: dt.date
    client: str
    amount: Decimal
    cost: Decimal
    manager: str
    author: str
    status: str
    planned: dt.date | None
    """Agreed ship date: in a 1C order «Дата отгрузки» is the plan."""

    @property
    def clock(self) -> str:
        second = int(self.number[-4:]) * 37 % 86_400
        return f"{second // 3600}:{second // 60 % 60:02d}:{second % 60:02d}"


def make() -> list[Order]:
    draw = random.Random(20240201)
    out = []
    day = dt.date(2023, 1, 9)
    for i in range(1, 201):
        day += dt.timedelta(days=draw.choice((0, 1, 2, 3, 5)))
        amount = Decimal(draw.randint(90, 3_000_000)) / 100
        if i % 17 == 0:
            amount = -(amount / 10).quantize(Decimal("0.01"))
        cost = (amount * Decimal(draw.randint(60, 95)) / 100).quantize(Decimal("0.01"))
        planned = None if i % 11 == 0 else day + dt.timedelta(days=draw.randint(1, 20))
        out.append(
            Order(
                f"0000-{i:06d}",
                day,
                draw.choice(CLIENTS),
                amount,
                cost,
                draw.choice(MANAGERS),
                draw.choice(AUTHORS),
                draw.choice(tuple(STATUSES)),
                planned,
            )
        )
    return out


ORDERS = make()


def canonical() -> list[tuple]:
    """What comes out, one tuple per order, in the order of their numbers."""
    return [
        (
            o.number,
            o.date,
            o.client,
            o.amount.quantize(Decimal("0.0001")),
            (o.amount - o.cost).quantize(Decimal("0.0001")),
            o.manager,
            "SYS" if o.author == "Администратор" else o.author,
            STATUSES[o.status],
            o.planned,
        )
        for o in ORDERS
    ]
