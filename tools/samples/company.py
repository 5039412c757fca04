"""Make a whole invented company from its specification: orders, questionnaire and the truth about both."""

from __future__ import annotations

import pandas as pd

from tools.samples.buying import buy, make_clients
from tools.samples.diseases import traits_of
from tools.samples.documents import fill, frame, register, serve
from tools.samples.people import hire
from tools.samples.questionnaire import questionnaire
from tools.samples.spec import Company, CompanySpec
from tools.samples.truth import truth_of


def generate(spec: CompanySpec) -> Company:
    """Make an invented company; the same specification gives the same company on every machine.

    Raises ValueError for a disease that does not exist or cannot live in this type of sale.
    """
    traits = traits_of(spec)
    clients = make_clients(spec, traits)
    orders = buy(spec, traits, clients)
    people = hire(spec, traits)
    reg = register(spec, clients)
    serving = serve(spec, traits, clients, orders, people)
    lines = fill(spec, traits, clients, orders, reg)
    export = frame(spec, traits, clients, orders, serving, lines, reg)
    client = orders.client[lines.order]
    sales = pd.DataFrame(
        {"client": client, "client_id": reg.key[client], "day": orders.day[lines.order], "amount": lines.amount}
    )
    tables = questionnaire(spec, traits, clients, serving, people, sales)
    truth = truth_of(spec, traits, clients, orders, serving, people, sales, tables, export)
    return Company(spec, export, tables, truth)
