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
BUILT_IN = "lexical"

OF_ALL = ("scorer", "threshold")
KINDS = {
    "hf": ("hf:HfScorer", ("attributes", "long_texts")),
    "guard": ("guard:GuardScorer", ("attributes", "form")),
    "moderation": ("moderation:ModerationScorer", ("attributes", "model", "key_env", "timeout")),
    "perspective": (
        "perspective:PerspectiveScorer",
        ("attributes", "languages", "key_env", "timeout"),
    ),
    "replay": ("replay:ReplayScorer", ("attributes",)),
}
"""Kind → what makes its scorers, and the options that it knows besides those of all."""
ANNOUNCING = ("hf", "guard", "perspective")
"""Kinds that fetch something, or have something to say."""


def scorer_names() -> list[str]:
    """Names that `scorer` knows, without those that begin with a kind."""
    return sorted({BUILT_IN, *_third_party()})


def _third_party() -> dict[str, EntryPoint]:
    return {point.name: point for point in entry_points(group=GROUP) if point.name != BUILT_IN}


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
    if settings.form.endswith(".toml"):
        settings = replace(settings, form=str(_from(base, settings.form)))
    if kind in KINDS and not (kind == "perspective" and rest):
        return _made(kind, rest, settings, say)
    if name == BUILT_IN:
        from mores.measure.toxicity.lexical import LexicalScorer

        return LexicalScorer(say=say)
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
        return kind, str(_from(base, rest)), ""  # a path may hold a #
    rest, _, attribute = rest.partition("#")
    return kind, str(_from(base, rest)) if kind == "replay" else rest, attribute


def _from(base: Path | None, path: str) -> Path:
    return (base or Path()) / Path(path).expanduser()


def _refuse_foreign(settings: ScorerOptions, kind: str, name: str) -> None:
    """Refuse settings that would be ignored."""
    known = (*OF_ALL, *(KINDS[kind][1] if kind in KINDS else ()))
    plain = ScorerOptions(scorer=settings.scorer)
    for field in fields(settings):
        changed = getattr(settings, field.name) != getattr(plain, field.name)
        if changed and field.name not in known:
            raise MeasureError(
                f"it has no option {field.name!r}",
                where=f"scorer {name!r}",
                fix=f"its options: {', '.join(known[1:])}",
            )


def _made(kind: str, rest: str, settings: ScorerOptions, say: store.Say | None) -> Scorer:
    made_by, options = KINDS[kind]
    module, _, name = made_by.partition(":")
    given: dict[str, Any] = {option: getattr(settings, option) for option in options}
    if kind in ANNOUNCING:
        given["say"] = say
    scorer_class = getattr(import_module(f"mores.measure.toxicity.{module}"), name)
    made: Scorer = scorer_class(**given) if kind == "perspective" else scorer_class(rest, **given)
    return made


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
