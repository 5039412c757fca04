"""One way of finding the clients of the questionnaire among those of the orders."""

from __future__ import annotations

import pandas as pd

from audit.model.case import Case, sql_text
from audit.model.client_names import ClientNames

__all__ = ["clients_named", "match_keys"]


def clients_named(case: Case, said: pd.Series) -> pd.Series:
    """Find the client behind each code or name of a sheet of the questionnaire; None where the orders know none."""
    if said.empty:
        return said.astype(object)
    names = case.once("client_names", lambda: _client_names(case.query(sql_text("audit.ground", "client_names"))))
    return _found(said, names)


def match_keys(said: pd.Series, names: pd.DataFrame) -> pd.Series:
    """Find the client behind each code or name of the questionnaire; None where the orders know none.

    ``names``: one row per code or name met in the orders: ``said``, ``client_key``, ``place`` (1 code, 2 key, 3 name);
    the lowest place wins (`ClientNames`).
    """
    return _found(said, _client_names(names))


def _client_names(names: pd.DataFrame) -> ClientNames:
    return ClientNames(names[["said", "client_key", "place"]].astype({"said": str}).itertuples(index=False, name=None))


def _found(said: pd.Series, known: ClientNames) -> pd.Series:
    return pd.Series([known.find(text) for text in said.astype(str)], index=said.index, dtype=object)
