"""Hand-offs (methodology 5.8): the rule between stations and the practice in the orders."""

from audit.diagnose.handoff.chapter import diagnose

__all__ = ["diagnose"]
