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
        Text("Бизнес и рынок клиента", "The client's business and market"),
        Text("чем занят, кто растёт и уходит, загрузка", "what they do, what grows and shrinks, workload"),
    ),
    "file.plans": (
        Text("Планы и вложения клиента", "The client's plans and investments"),
        Text("стройки, линии, продукты, регионы", "sites, lines, products, regions"),
    ),
    "file.needs": (
        Text("Потребность и бюджет", "Need and budget"),
        Text("что и сколько берёт у всех, что важнее всего", "what and how much they buy in all, what matters most"),
    ),
    "file.suppliers": (
        Text("Поставщики-конкуренты и их доля", "Competing suppliers and their share"),
        Text("что у них берёт и чем они держат", "what is bought there, and what holds them"),
    ),
    "file.terms": (
        Text("Условия и договорённости", "Terms and agreements"),
        Text("цена, отсрочка, логистика, устные обещания", "price, credit, logistics, promises made by word"),
    ),
    "file.route": (
        Text("Как принимается решение о закупке (АПР)", "How a purchase is decided"),
        Text("от заявки до оплаты: кто за кем, сколько дней", "from request to payment: who after whom, how many days"),
    ),
    "file.heads": (
        Text("Руководство: что о нём знаем", "The management: what is known of it"),
        Text("кто, давно ли, чем увлечён", "who, since when, interests"),
    ),
    "file.attitude": (
        Text("Отношение к нам", "Attitude to us"),
        Text("чем довольны, чем нет, кто это сказал", "what pleases, what does not, who said so"),
    ),
    "file.troubles": (
        Text("Сбои и рекламации: чем кончились", "Failures and complaints: how they ended"),
        Text("что пообещали и сделали", "what was promised and done"),
    ),
    "file.papers": (
        Text("Карточка и документы: где лежат", "Master data and papers: where they are"),
        Text("договор, спецификации, переписка", "contract, specifications, letters"),
    ),
}
"""Fields of the client file (KAM; need, suppliers, terms, troubles: +): label and hint. ``file_share``: the filled ones."""

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
        Text("принимает решение (ЛПР)", "decides"),
        Text("влияет на решение (ЛВР)", "influences"),
        Text("начинает закупку", "begins the purchase"),
        Text("пользуется товаром", "uses the goods"),
        Text("закупает и оформляет", "buys and does the papers"),
        Text("впускает или не впускает («привратник»)", "lets in or keeps out (gatekeeper)"),
    ),
    "attitude": (
        Text("сторонник", "for us"),
        Text("нейтрален", "neutral"),
        Text("противник", "against us"),
        Text("не знаем", "not known"),
    ),
}
"""Lists of the two columns that are chosen (the parts: Webster and Wind, +)."""

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
