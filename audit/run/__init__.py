"""From files to a finished run: prepare once, execute the notebooks, write the report, move it into place."""

import os
import sys


def _import_without_address_grammar() -> None:
    """Import jsonschema, which reads notebooks need, without the grammar of international addresses.

    Compiling that grammar takes over a second of every start, and no notebook has such an address to check. Only
    this one import goes without it; the module can be imported by whoever wants it afterwards.
    """
    name = "rfc3987_syntax"
    if "jsonschema" in sys.modules or name in sys.modules:
        return
    sys.modules[name] = None  # type: ignore[assignment]
    try:
        import jsonschema  # type: ignore[import-untyped]  # noqa: F401
    except ImportError:
        pass
    finally:
        del sys.modules[name]


# Figures are small: threads of the linear algebra only wait for each other when several chapters run at once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
_import_without_address_grammar()
