"""Whose clients."""
