"""Numbers into words, charts, tables and documents, in Russian and English."""
