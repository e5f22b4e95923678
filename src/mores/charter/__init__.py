"""Step 1: the charter, categories and one position statement for each."""

from mores.charter.read import read_charter

__all__ = ["read_charter"]
