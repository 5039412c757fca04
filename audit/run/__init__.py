"""From files to a finished run: prepare once, execute the notebooks, write the report, move it into place."""

import os

# Figures are small: threads of the linear algebra only wait for each other when several chapters run at once.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
