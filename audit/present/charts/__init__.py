"""Pictures: a base of generic charts in the report's style, and one module per chapter that names its own."""
