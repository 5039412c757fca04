"""Retention: do clients come back, how much goes with those who do not, who is about to fall asleep (methodology 5.4)."""

from audit.diagnose.retention.chapter import diagnose

__all__ = ["diagnose"]
