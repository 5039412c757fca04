"""Retention: do clients come back, what goes with those who do not, who falls asleep (methodology 5.4)."""

from audit.diagnose.retention.chapter import diagnose

__all__ = ["diagnose"]
