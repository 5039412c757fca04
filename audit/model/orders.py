"""The canonical order lines: what intake writes and every query reads.

Grain: one row per used row of the client's files. ``lines.parquet`` always holds every column below; a field that the
files lack is null throughout and absent from `IntakeReport.fields`.
"""

from __future__ import annotations

import pyarrow as pa

from audit.errors import Text

__all__ = ["FIELD_NAMES", "LINES_SCHEMA", "REQUIRED_FIELDS", "field_name"]

MONEY = pa.decimal128(18, 4)

LINES_SCHEMA = pa.schema(
    [
        pa.field("client_key", pa.string(), nullable=False),  # the client at the level of [level] client
        pa.field("client_name", pa.string()),  # as written in the file, first spelling met
        pa.field("order_id", pa.string()),
        pa.field("order_date", pa.date32(), nullable=False),
        pa.field("client_id", pa.string()),
        pa.field("amount", MONEY, nullable=False),  # net revenue of the row, engagement currency; negative = return
        pa.field("margin", MONEY),  # gross profit of the row; amount − cost where only cost is given
        pa.field("manager", pa.string()),  # person code where the spelling is known, else the cleaned spelling
        pa.field("created_by", pa.string()),  # same; "SYS" for a system user
        pa.field("processed_by", pa.string()),
        pa.field("department", pa.string()),
        pa.field("currency", pa.string()),
        pa.field("status", pa.string()),  # new / open / shipped / closed / cancelled, or null where not recognised
        pa.field("kind", pa.string()),  # sale / return
        pa.field("requested_date", pa.date32()),
        pa.field("promised_date", pa.date32()),
        pa.field("shipped_date", pa.date32()),
        pa.field("delivered_date", pa.date32()),
        pa.field("complaint", pa.bool_()),
        pa.field("complaint_reason", pa.string()),
        pa.field("document_error", pa.bool_()),
        pa.field("shipped_pct", pa.float64()),  # 0–1
        pa.field("sku", pa.string()),
        pa.field("sku_group", pa.string()),
        pa.field("qty", MONEY),
        pa.field("contact", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("initiator", pa.string()),  # IN / OUT / SYS
        pa.field("segment", pa.string()),
        pa.field("region", pa.string()),
        pa.field("holding", pa.string()),
        pa.field("client_since", pa.date32()),
        pa.field("price_index", pa.float64()),
        pa.field("organization", pa.string()),
        pa.field("source_file", pa.string(), nullable=False),
        pa.field("source_row", pa.int64(), nullable=False),  # row number in the file as a person sees it, from 1
    ]
)

REQUIRED_FIELDS = ("order_date", "client_id", "amount")
"""``client`` stands in for ``client_id`` where there is none."""

FIELD_NAMES: dict[str, Text] = {
    "order_id": Text("номер заказа", "order number"),
    "order_date": Text("дата заказа", "order date"),
    "client_id": Text("код клиента", "client key"),
    "client": Text("клиент", "client"),
    "amount": Text("сумма", "amount"),
    "manager": Text("ответственный менеджер", "responsible manager"),
    "created_by": Text("автор заказа", "author of the order"),
    "processed_by": Text("кто обработал", "processed by"),
    "department": Text("подразделение", "department"),
    "currency": Text("валюта", "currency"),
    "margin": Text("валовая прибыль", "gross profit"),
    "cost": Text("себестоимость", "cost"),
    "status": Text("статус", "status"),
    "kind": Text("вид документа", "kind of document"),
    "requested_date": Text("желаемая дата", "requested date"),
    "promised_date": Text("обещанная дата отгрузки", "promised date"),
    "shipped_date": Text("дата отгрузки, факт", "shipped date"),
    "delivered_date": Text("дата доставки", "delivered date"),
    "complaint": Text("рекламация", "complaint"),
    "complaint_reason": Text("причина рекламации", "reason of the complaint"),
    "document_error": Text("ошибка в документах", "error in the papers"),
    "shipped_pct": Text("процент отгрузки", "share shipped"),
    "sku": Text("товар", "item"),
    "sku_group": Text("товарная группа", "item group"),
    "qty": Text("количество", "quantity"),
    "contact": Text("контактное лицо", "contact person"),
    "channel": Text("канал", "channel"),
    "initiator": Text("инициатор", "initiator"),
    "segment": Text("сегмент", "segment"),
    "region": Text("регион", "region"),
    "holding": Text("холдинг", "holding"),
    "client_since": Text("клиент с", "client since"),
    "price_index": Text("индекс цен", "price index"),
    "organization": Text("организация", "own legal entity"),
    "price": Text("цена", "unit price"),
    "lines": Text("число строк", "number of lines"),
    # read to understand a row, kept nowhere
    "posted": Text("проведён", "posted"),
    "deleted": Text("пометка удаления", "deletion mark"),
    "returned": Text("возврат", "returned"),
    "discount": Text("скидка", "discount"),
    "legal_entity": Text("юридическое лицо клиента", "client's legal entity"),
    "order_ref": Text("заказ, по которому отгружено", "order that was dispatched"),
    # recognised and not used
    "pipeline": Text("воронка или вид операции", "pipeline or kind of operation"),
    "close_date": Text("дата закрытия сделки", "date the deal closes"),
    "repeat_flag": Text("признак повторной сделки", "mark of a repeated deal"),
    "comment": Text("комментарий", "comment"),
    "payment_pct": Text("процент оплаты", "share paid"),
}
"""What a reader calls a field: the one place for canonical fields and for those that only reading knows."""


def field_name(field: str) -> Text:
    """Return the words for a field; one that has none keeps its own name."""
    return FIELD_NAMES.get(field) or Text(field, field)
