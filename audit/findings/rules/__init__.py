"""One module per chapter: ``judge(case, result) -> list[Finding]``, with what no declaration can say."""
