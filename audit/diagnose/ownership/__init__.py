"""The chapter «Чьи клиенты»: whether clients belong to the company or to a person, what a change of person costs."""

from audit.diagnose.ownership.chapter import diagnose

__all__ = ["diagnose"]
