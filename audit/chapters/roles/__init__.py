"""Role mixing."""
