"""Names of language models: is a judge one of the models that it judges?

refuse_judged_model(study, "qwen3-32b")
"""

from __future__ import annotations

import re
from pathlib import Path

from mores.errors import DataError
from mores.study import Study

KINDS = {"instruct", "chat", "it", "base", "gguf"}
"""Parts of a model's name that do not tell one family and size from another."""


def refuse_judged_model(study: Study, judge: str) -> None:
    """Refuse a model as its own judge: self-preference is documented (Zheng et al. 2023).

    Raises:
        DataError: it has the name of a judged model.
    """
    for spec in study.config.models:
        model, rater = _plain(Path(spec.name).name), _plain(Path(judge).name)
        short, long = sorted((model, rater), key=len)
        parts = _parts(spec.name) - KINDS
        same = model == rater or (len(short) >= 6 and long.startswith(short))
        if same or (len(parts) > 1 and parts <= _parts(judge)):
            raise DataError(
                f"the judge {judge!r} has the name of the judged model {spec.name!r}: a model "
                "tends to prefer its own texts",
                fix="use a model of another family as judge",
            )


def _parts(name: str) -> set[str]:
    return set(re.findall(r"[a-z0-9.]+", Path(name).name.casefold()))


def _plain(name: str) -> str:
    return "".join(c for c in name.casefold() if c.isalnum())


def related(study: Study, family: str) -> list[str]:
    """Return the judged models in whose names a judge's family is named."""
    own = _plain(family)
    return [spec.name for spec in study.config.models if own and own in _plain(spec.name)]
