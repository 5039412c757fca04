"""Service (methodology 5.8): what goes wrong, and what becomes of clients afterwards."""

from audit.diagnose.service.chapter import diagnose

__all__ = ["diagnose"]
