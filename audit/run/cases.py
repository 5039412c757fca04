"""Open cases, chapters and summaries: what the notebooks and the command line call."""

from __future__ import annotations

import atexit
import json
import os
import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import Lang, set_language
from audit.model.case import Case, open_prepared
from audit.run.inputs import Inputs, demo_inputs, file_inputs, override
from audit.run.leftovers import private_folder
from audit.settings import Settings, settings_from_mapping

if TYPE_CHECKING:
    from audit.run.prepare import Progress

__all__ = ["cache_folder", "open_case", "open_inputs", "share_cases"]

_shared: dict[str, Case] | None = None
"""The case that the notebooks of this process share; None where each opens its own."""


def share_cases() -> None:
    """From now on open the same prepared folder under the same settings once in this process.

    For the kit's own notebooks, which follow each other and change nothing in a case: what one asked of it, the next
    finds there.
    """
    global _shared
    _shared = {}


def _open_shared(prepared: Path, settings: Settings) -> Case:
    if _shared is None:
        return open_prepared(prepared, settings)
    key = json.dumps([str(prepared.absolute()), settings.as_json()], sort_keys=True)
    if key not in _shared:
        _shared.clear()
        _shared[key] = open_prepared(prepared, settings)
    return _shared[key]


def cache_folder() -> Path:
    """Return where to keep prepared data: the engagement's cache under ``km-audit lab``, else a folder of our own.

    Our own can be read by this user only and goes with the process: client data are confidential.
    """
    given = os.environ.get("KM_AUDIT_CACHE")
    if given:
        return Path(given)
    folder = private_folder()
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return folder


def open_inputs(inputs: Inputs, cache: Path | None = None, progress: Progress | None = None) -> Case:
    """Prepare the inputs (or find them prepared) and open the case."""
    from audit.run.prepare import prepare  # where data are prepared already, what reads them is not loaded

    return open_prepared(prepare(inputs, cache or cache_folder(), progress), inputs.settings)


def open_case(
    orders: str | Path | Sequence[str | Path] | None = None,
    questionnaire: str | Path | None = None,
    settings: str | Path | Settings | Mapping[str, Any] | None = None,
    *,
    lang: Lang | None = None,
    prepared: str | Path | None = None,
    changes: Mapping[str, Mapping[str, Any]] | None = None,
) -> Case:
    """Open an engagement's data, ready to be diagnosed.

    Without ``orders`` the bundled sample is opened. ``settings`` is the path of an ``audit.toml``, or a mapping of the
    same shape. ``prepared`` names a folder that a run has prepared already; nothing is read twice then.
    """
    if isinstance(settings, str | Path) and str(settings).endswith(".json"):
        chosen: Settings | None = settings_from_mapping(json.loads(Path(settings).read_text(encoding="utf-8")))
        settings = None
    elif isinstance(settings, Settings):
        chosen, settings = settings, None
    elif isinstance(settings, Mapping):
        chosen, settings = settings_from_mapping(settings), None
    else:
        chosen = None
    if orders is None and prepared is None:
        inputs = demo_inputs(lang)
    elif prepared is not None:
        inputs = Inputs((), None, Settings())
        if settings is not None:
            inputs = replace(inputs, settings=file_inputs(str(prepared), None, settings).settings)
    else:
        assert orders is not None
        inputs = file_inputs(orders, questionnaire, settings)
    if chosen is not None:
        inputs = replace(inputs, settings=chosen)
    final = override(inputs.settings, {**(changes or {}), "report": {"lang": lang}})
    set_language(final.report.lang)
    if "IPython" in sys.modules:  # a notebook: what displays is loaded there alone
        from audit.run.display import show_richly

        show_richly()
    if prepared is not None:
        return _open_shared(Path(prepared), final)
    return open_inputs(replace(inputs, settings=final))
