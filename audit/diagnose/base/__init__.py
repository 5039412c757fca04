"""The chapter «Клиентская база»: what the base is made of, where it can grow, which clients cost too much."""

from audit.diagnose.base.chapter import diagnose

__all__ = ["diagnose"]
