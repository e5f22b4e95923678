"""Licences as the Hugging Face Hub and schema.org name them."""

from __future__ import annotations

import re
from typing import Any

from mores.weights.assets.table import Asset

SPDX = (
    "Apache-2.0", "MIT", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0",
    "CC-BY-NC-4.0", "CC-BY-NC-SA-4.0", "CC-BY-ND-4.0", "CC-BY-NC-ND-4.0", "GPL-3.0", "AGPL-3.0",
    "LGPL-3.0", "MPL-2.0",
)  # fmt: skip
"""Identifiers of the SPDX list that the Hub knows too, in small letters."""


def on_the_hub(licence: str) -> dict[str, Any]:
    """Return the Hub's metadata of a licence: ``license``, and a name where it knows none of it."""
    if not licence:
        return {}
    if licence in SPDX:
        return {"license": licence.lower()}
    return {"license": "other", "license_name": _name(licence)}


def licence_of_weights(licence: str, base: Asset | None) -> dict[str, Any]:
    """Return the metadata of tuned weights: what they come from has a licence of its own.

    Args:
        licence: the study's.
        base: the base model, or None where nothing is known of it.
    """
    if base is not None and base.license == licence:
        return on_the_hub(licence)
    of_base = base.license if base else "that of the base model"
    both = f"{licence} and {of_base}" if licence else of_base
    return {"license": "other", "license_name": _name(both)}


def _name(text: str) -> str:
    """A name as the Hub wants it: small letters, digits, points and hyphens."""
    return re.sub(r"[^a-z0-9.]+", "-", text.lower()).strip("-")


def as_url(licence: str) -> str:
    """Return the address of a licence in the SPDX list; the text itself where it is not one."""
    return f"https://spdx.org/licenses/{licence}.html" if licence in SPDX else licence
