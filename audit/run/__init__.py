"""From files to a finished run: prepare once, execute the notebooks, write the report, move it into place."""
