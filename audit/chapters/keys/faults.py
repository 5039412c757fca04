"""The faults of a key client that the chapter looks for."""

from __future__ import annotations

__all__ = ["FAULTS"]

FAULTS = ("no_file", "no_buying_centre", "no_plan", "no_backup", "no_influence", "disincentive")
"""What can be wrong with a key client, in the order of the catalogue; each is True, False or None (not answered)."""
