"""What they say and what is so."""
