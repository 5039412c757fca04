"""Service (methodology 5.8): late, short, wrong and complained of, and what becomes of clients after a first failure."""

from audit.diagnose.service.chapter import diagnose

__all__ = ["diagnose"]
