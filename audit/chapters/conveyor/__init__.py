"""Type of sale and conveyor (chapter `model`)."""
