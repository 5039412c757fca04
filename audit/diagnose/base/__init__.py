"""The chapter «Клиентская база»: what the base is made of, where it can grow, which clients cost more than they bring."""

from audit.diagnose.base.chapter import diagnose

__all__ = ["diagnose"]
