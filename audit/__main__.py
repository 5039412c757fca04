"""``python -m audit`` is the command ``km-audit``."""

from audit.cli import main

if __name__ == "__main__":
    main()
