"""Role mixing: who does whose work, what it costs, and what relief would give (methodology 5.3)."""

from audit.diagnose.roles.chapter import diagnose, what_if

__all__ = ["diagnose", "what_if"]
