"""How each chapter is shown: its sections in reading order, and its sheets in the annex."""
