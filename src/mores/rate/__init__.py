"""Step 5b: ratings by people."""

from mores.rate.collect import (
    RatingStatus,
    export_ratings,
    import_ratings,
    rating_status,
    serve_ratings,
    unblind_ratings,
)
from mores.rate.keep import (
    backup_ratings,
    forget_rater,
    release_rater,
    restore_ratings,
    verify_ratings,
)
from mores.rate.model import RatingVerified

__all__ = [
    "RatingStatus",
    "RatingVerified",
    "backup_ratings",
    "export_ratings",
    "forget_rater",
    "import_ratings",
    "rating_status",
    "release_rater",
    "restore_ratings",
    "serve_ratings",
    "unblind_ratings",
    "verify_ratings",
]
