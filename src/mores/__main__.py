"""``python -m mores``."""

from mores.cli import main

main()
