"""The sheet of one key client: what it asks, and what of its answers is counted.

The workbook is written by `audit.present.forms_keys` and read back by `audit.intake.questionnaire`. Column A of a sheet
holds the machine keys and is hidden; nothing else of the layout matters to the reader.
"""

from __future__ import annotations

from audit.errors import Text
from audit.model.questionnaire import PLAN_ITEMS

__all__ = [
    "CENTRE",
    "CENTRE_COLUMNS",
    "CENTRE_FIELDS",
    "CENTRE_ROW",
    "DECIDES",
    "FILE_FIELDS",
    "KEY_MARK",
    "PLAN_QUESTIONS",
    "SHORT",
]

KEY_MARK = "km-audit/key-client"
"""Stands in cell A1 of every sheet of a client."""

SHORT = (
    "criterion",
    "influence",
    "backup",
    "acquired_by",
    "pay_rate",
    "wallet_share",
    "annual_budget",
    "plan_horizon_months",
)
"""Keys of the table ``key_clients`` that are asked as they are, with their lists."""

FILE_FIELDS: dict[str, tuple[Text, Text]] = {
    "file.situation": (
        Text("Что происходит у клиента", "What goes on at the client"),
        Text(
            "рынок, собственник, загрузка, кто растёт, кто уходит", "market, owner, workload, what grows, what shrinks"
        ),
    ),
    "file.plans": (
        Text("Планы клиента на год и дальше", "The client's plans for a year and beyond"),
        Text("стройки, линии, продукты, регионы", "sites, lines, products, regions"),
    ),
    "file.needs": (
        Text("Что ему нужно от поставщика", "What is needed from a supplier"),
        Text("что для него важнее всего и почему", "what matters most to them and why"),
    ),
    "file.suppliers": (
        Text("У кого ещё покупает и что", "From whom else they buy, and what"),
        Text("поставщики, доли, чем держат", "suppliers, shares, what holds them"),
    ),
    "file.choice": (
        Text("По чему выбирает поставщика", "How a supplier is chosen"),
        Text("цена, срок, качество, отсрочка, люди", "price, time, quality, credit, people"),
    ),
    "file.route": (
        Text("Как принимается решение о закупке", "How a purchase is decided"),
        Text(
            "от заявки до оплаты: кто, в каком порядке, сколько дней",
            "from request to payment: who, in what order, days",
        ),
    ),
    "file.agreements": (
        Text("О чём договорились", "What has been agreed"),
        Text("цены, отсрочка, сроки, устные обещания", "prices, credit, times, promises made by word"),
    ),
}
"""Fields of the client file: label and hint. ``file_share`` is the filled ones of them."""

CENTRE_ROW = "centre"
CENTRE_FIELDS: dict[str, tuple[Text, Text]] = {
    "person": (Text("Имя и должность", "Name and position"), Text("", "")),
    "part": (Text("Роль в закупке", "Part in buying"), Text("выберите", "choose")),
    "attitude": (Text("Как относится к нам", "Attitude to us"), Text("выберите", "choose")),
    "wants": (Text("Чего хочет сам", "What this person wants"), Text("", "")),
    "contact": (Text("Следующий контакт", "Next contact"), Text("дата и повод", "date and reason")),
}
"""Columns of the buying centre. ``buying_centre_share``: filled cells beside the named people; none named is 0."""
CENTRE_COLUMNS = (1, 2, 4, 6, 8)
"""Where they stand in a sheet, counted from 0."""

CENTRE: dict[str, tuple[Text, ...]] = {
    "part": (
        Text("принимает решение", "decides"),
        Text("влияет на решение", "influences"),
        Text("пользуется товаром", "uses the goods"),
        Text("закупает и оформляет", "buys and does the papers"),
        Text("впускает или не впускает", "lets in or keeps out"),
    ),
    "attitude": (
        Text("за нас", "for us"),
        Text("нейтрально", "neutral"),
        Text("против", "against"),
        Text("не знаем", "not known"),
    ),
}
"""Lists of the two columns that are chosen."""

DECIDES = CENTRE["part"][0]

PLAN_QUESTIONS: dict[str, Text] = dict(
    zip(
        (key for key, _, _ in PLAN_ITEMS),
        (
            Text(
                "Чего хотим добиться у клиента дальше этого года",
                "What is to be reached with the client beyond this year",
            ),
            Text("Что менеджер сделает с клиентом", "What the manager will do with the client"),
            Text("Что сделает наша компания: люди, товар, условия", "What our company will do: people, goods, terms"),
            Text("Сколько на это выделено", "How much is set aside for it"),
            Text("К каким датам", "By which dates"),
            Text("Кто отвечает", "Who is responsible"),
            Text("С кем и когда согласовано", "Agreed with whom, and when"),
        ),
        strict=True,
    )
)
"""The seven questions of the long-term plan by key: an answer given is an item of the plan."""
