"""What they say and what is so (methodology 5.9): eight answers of the management against figures."""

from audit.diagnose.selfcheck.chapter import diagnose

__all__ = ["diagnose"]
