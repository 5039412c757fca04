"""One module per chapter: ``judge(case, result, results) -> list[Finding]``."""
