"""The client base (chapter `base`)."""
