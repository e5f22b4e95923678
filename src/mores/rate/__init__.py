"""Step 5b: ratings by people, and what language models say beside them (`mores.rate.judge`)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from mores.rate.judge import judge

__all__ = [
    "RatingStatus",
    "RatingVerified",
    "backup_ratings",
    "export_ratings",
    "forget_rater",
    "import_ratings",
    "judge",
    "rating_status",
    "release_rater",
    "restore_ratings",
    "serve_ratings",
    "unblind_ratings",
    "verify_ratings",
]


def __getattr__(name: str) -> Any:
    """Load the room of judges when it is first used: it stands on rooms that import this one."""
    if name != "judge":
        raise AttributeError(f"module 'mores.rate' has no attribute {name!r}")
    from importlib import import_module

    return import_module("mores.rate.judge")
