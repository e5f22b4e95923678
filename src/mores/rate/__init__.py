"""Step 5b: ratings by people."""

from mores.rate.ratings import current_ratings, import_ratings, read_ratings

__all__ = ["current_ratings", "import_ratings", "read_ratings"]
