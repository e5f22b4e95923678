"""Step 5b: ratings by people."""

from mores.rate.ratings import import_ratings, read_ratings

__all__ = ["import_ratings", "read_ratings"]
