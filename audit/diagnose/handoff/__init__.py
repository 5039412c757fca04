"""Hand-offs (methodology 5.8): the rule between stations, and what the orders show of the one from developer to manager."""

from audit.diagnose.handoff.chapter import diagnose

__all__ = ["diagnose"]
