"""Key clients."""
