"""Client retention."""
