"""One way of finding the clients of the questionnaire among those of the orders."""

from __future__ import annotations

import pandas as pd

from audit.model.case import Case, sql_text

__all__ = ["clients_named", "match_keys"]


def clients_named(case: Case, said: pd.Series) -> pd.Series:
    """Find the client behind each code or name of a sheet of the questionnaire; None where the orders know none."""
    return match_keys(said, case.query(sql_text("audit.ground", "client_names")))


def match_keys(said: pd.Series, names: pd.DataFrame) -> pd.Series:
    """Find the client behind each code or name of the questionnaire; None where the orders know none.

    ``names``: one row per code or name met in the orders: ``said``, ``client_key``, ``place`` (1 code, 2 key, 3 name);
    the lowest place wins. Blanks at the ends and letter case are ignored.
    """
    ranked = names.assign(said=names["said"].astype(str).str.strip().str.casefold()).sort_values(
        ["place", "client_key"], kind="stable"
    )
    table = ranked.drop_duplicates("said").set_index("said")["client_key"]
    found = said.astype(str).str.strip().str.casefold().map(table)
    return found.astype(object).where(found.notna(), None)
