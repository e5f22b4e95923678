"""A scorer's name → the scorer: built in, from an entry point, or any classifier.

scorer("lexical")                      the offline baseline
scorer("hf:folder-or-hub-id#label")    any sequence classifier of transformers
scorer("their-name")                   entry point of the group `mores.scorers`
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from mores import store
from mores.errors import MeasureError, did_you_mean
from mores.measure.toxicity.scorer import Scorer

GROUP = "mores.scorers"
_BUILT_IN = {"lexical": "mores.measure.toxicity.lexical:LexicalScorer"}


def scorer_names() -> list[str]:
    """Names that `scorer` knows, without the ``hf:`` ones."""
    return sorted({*_BUILT_IN, *_third_party()})


def _third_party() -> dict[str, EntryPoint]:
    found = {point.name: point for point in entry_points(group=GROUP)}
    return {name: point for name, point in found.items() if name not in _BUILT_IN}


def scorer(name: str, *, say: store.Say | None = None) -> Scorer:
    """Return the scorer of that name, fetching its weights if need be.

    Args:
        name: ``lexical``, ``hf:<folder or Hub id>``, ``hf:<...>#<label>``, or the name of
            an entry point.
        say: where to announce a download.

    Raises:
        MeasureError: unknown name, or an entry point that cannot be loaded or is no scorer.
        AssetError: the built-in weights could not be fetched or verified.
        ModelError: the classifier cannot be found or loaded.
    """
    if name.startswith("hf:"):
        from mores.measure.toxicity.hf import HfScorer

        model, _, label = name.removeprefix("hf:").partition("#")
        return HfScorer(model, label=label or None, say=say)
    if name in _BUILT_IN:
        module, _, attribute = _BUILT_IN[name].partition(":")
        made: Scorer = getattr(import_module(module), attribute)(say=say)
        return made
    third_party = _third_party()
    if name not in third_party:
        known = scorer_names()
        raise MeasureError(
            f"unknown scorer {name!r}{did_you_mean(name, known)}",
            fix=f"scorers: {', '.join(known)}, or hf:<model>",
        )
    return _load(third_party[name])


def _load(point: EntryPoint) -> Scorer:
    try:
        made: Any = point.load()()
    # Someone else's code: whatever it raises, the user needs to know whose it is.
    except Exception as error:
        raise MeasureError(
            f"the entry point {point.value!r} failed: {type(error).__name__}: {error}",
            where=f"scorer {point.name!r}",
            fix="update or remove the package that adds it",
        ) from error
    if not isinstance(made, Scorer):
        raise MeasureError(
            f"the entry point {point.value!r} made no scorer, but a {type(made).__name__}",
            where=f"scorer {point.name!r}",
            fix="it needs name, version, digest, attribute, note and score(texts)",
        )
    return made
