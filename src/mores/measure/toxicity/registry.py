"""A scorer's name → the scorer: built in, from an entry point, or one of the kinds with a prefix.

scorer("lexical")                        the offline baseline
scorer("hf:folder-or-hub-id#label")      any sequence classifier of transformers
scorer("guard:folder-or-hub-id#policy")  a guard model that answers in text
scorer("moderation:https://...#hate")    a moderation endpoint
scorer("perspective#INSULT")             the Perspective API, until 2026-12-31
scorer("replay:folder-or-file#INSULT")   stored raw answers
scorer("their-name")                     entry point of the group `mores.scorers`
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any

from msgspec.structs import fields, replace

from mores import store
from mores.errors import MeasureError, did_you_mean
from mores.measure.toxicity.scorer import Scorer
from mores.study import ScorerOptions

GROUP = "mores.scorers"
_BUILT_IN = {"lexical": "mores.measure.toxicity.lexical:LexicalScorer"}

OF_ALL = ("scorer", "threshold")
OPTIONS = {
    "hf": ("attributes", "long_texts"),
    "guard": ("attributes", "form"),
    "moderation": ("attributes", "model", "key_env", "timeout"),
    "perspective": ("attributes", "languages", "key_env", "timeout"),
    "replay": ("attributes",),
}
"""Kind → the options that it knows besides those of all."""


def scorer_names() -> list[str]:
    """Names that `scorer` knows, without those that begin with a kind."""
    return sorted({*_BUILT_IN, *_third_party()})


def _third_party() -> dict[str, EntryPoint]:
    found = {point.name: point for point in entry_points(group=GROUP)}
    return {name: point for name, point in found.items() if name not in _BUILT_IN}


def scorer(
    name: str,
    *,
    options: ScorerOptions | None = None,
    base: Path | None = None,
    say: store.Say | None = None,
) -> Scorer:
    """Return the scorer of that name, fetching its weights if need be. Nothing is asked yet.

    Args:
        name: ``lexical``, the name of an entry point, or a kind with what it needs: see above.
            What follows ``#`` is the one label, policy, category or attribute that counts.
        options: its settings, as in study.toml; defaults if None.
        base: folder that relative paths of ``replay:`` and of form files start from.
        say: where to announce a download or the end of a service.

    Raises:
        MeasureError: unknown name, an option that its kind does not have, an address to which
            texts may not be sent, or an entry point that cannot be loaded or is no scorer.
        AssetError: the built-in weights could not be fetched or verified.
        ModelError: the model cannot be found or loaded.
    """
    settings = options or ScorerOptions(scorer=name)
    kind, rest, attribute = _split(name, base)
    _refuse_foreign(settings, kind, name)
    if attribute:
        if settings.attributes:
            raise MeasureError(
                f"{attribute!r} after the # and `attributes` both say what counts",
                where=f"scorer {name!r}",
                fix="keep one of the two",
            )
        settings = replace(settings, attributes=(attribute,))
    if kind in _KINDS and not (kind == "perspective" and rest):
        return _KINDS[kind](rest, settings, base, say)
    if name in _BUILT_IN:
        module, _, made_by = _BUILT_IN[name].partition(":")
        made: Scorer = getattr(import_module(module), made_by)(say=say)
        return made
    third_party = _third_party()
    if name not in third_party:
        known = [*scorer_names(), "perspective"]
        raise MeasureError(
            f"unknown scorer {name!r}{did_you_mean(name, known)}",
            fix=f"scorers: {', '.join(known)}, or hf:<model>, guard:<model>, moderation:<url>, "
            "replay:<file>",
        )
    return _load(third_party[name])


def _split(name: str, base: Path | None) -> tuple[str, str, str]:
    """Return kind, what follows it, and the attribute after ``#``."""
    kind, colon, rest = name.partition(":")
    if not colon:
        kind, _, attribute = name.partition("#")
        return (kind, "", attribute) if kind == "perspective" else ("", name, "")
    if kind == "replay" and _from(base, rest).exists():
        return kind, rest, ""  # a path may hold a #
    rest, _, attribute = rest.partition("#")
    return kind, rest, attribute


def _from(base: Path | None, path: str) -> Path:
    return (base or Path()) / Path(path).expanduser()


def _refuse_foreign(settings: ScorerOptions, kind: str, name: str) -> None:
    """Refuse settings that would be ignored."""
    known = (*OF_ALL, *OPTIONS.get(kind, ()))
    plain = ScorerOptions(scorer=settings.scorer)
    for field in fields(settings):
        changed = getattr(settings, field.name) != getattr(plain, field.name)
        if changed and field.name not in known:
            raise MeasureError(
                f"it has no option {field.name!r}",
                where=f"scorer {name!r}",
                fix=f"its options: {', '.join(known[1:])}",
            )


Make = Callable[[str, ScorerOptions, Path | None, store.Say | None], Scorer]


def _hf(rest: str, settings: ScorerOptions, _: Path | None, say: store.Say | None) -> Scorer:
    from mores.measure.toxicity.hf import HfScorer

    return HfScorer(rest, labels=settings.attributes, long_texts=settings.long_texts, say=say)


def _guard(rest: str, settings: ScorerOptions, base: Path | None, say: store.Say | None) -> Scorer:
    from mores.measure.toxicity.guard import GuardScorer

    form = settings.form
    if form.endswith(".toml"):
        form = str(_from(base, form))
    return GuardScorer(rest, form=form, attributes=settings.attributes, say=say)


def _moderation(rest: str, settings: ScorerOptions, _: Path | None, __: store.Say | None) -> Scorer:
    from mores.measure.toxicity.moderation import ModerationScorer

    return ModerationScorer(
        rest,
        attributes=settings.attributes,
        model=settings.model,
        key_env=settings.key_env,
        timeout=settings.timeout,
    )


def _perspective(_: str, settings: ScorerOptions, __: Path | None, say: store.Say | None) -> Scorer:
    from mores.measure.toxicity.perspective import PerspectiveScorer

    return PerspectiveScorer(
        attributes=settings.attributes,
        languages=settings.languages,
        key_env=settings.key_env,
        timeout=settings.timeout,
        say=say,
    )


def _replay(rest: str, settings: ScorerOptions, base: Path | None, _: store.Say | None) -> Scorer:
    from mores.measure.toxicity.replay import ReplayScorer

    return ReplayScorer(_from(base, rest), attributes=settings.attributes)


_KINDS: dict[str, Make] = {
    "hf": _hf,
    "guard": _guard,
    "moderation": _moderation,
    "perspective": _perspective,
    "replay": _replay,
}


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
