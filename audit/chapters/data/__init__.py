"""The data: what came in and what it can carry."""
