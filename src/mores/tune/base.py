"""The base model of an entry in study.toml: weights on this machine, or a name elsewhere."""

from __future__ import annotations

from mores import store
from mores.study import ModelSpec, Study
from mores.weights.resolve import ResolvedModel, resolve

ELSEWHERE = "elsewhere"


def base_of(spec: ModelSpec, say: store.Say | None = None) -> ResolvedModel:
    """Return where the base model is.

    Of a model that is not here nothing is known but its name: its digest is that of its address.

    Args:
        spec: the model's entry in study.toml.
        say: where to announce a download or a conversion.

    Raises:
        ModelError, AssetError: see `mores.weights.resolve.resolve`.
    """
    if spec.here:
        return resolve(spec.name, say=say)
    served = spec.endpoint.served.get("base", "") if spec.endpoint else ""
    address = spec.endpoint.url if spec.endpoint else ""
    asked = spec.host.model if spec.host else ""
    digest = store.digest([spec.name, address, served, asked])
    return ResolvedModel(spec.name, "", digest, ELSEWHERE)


def models_here(study: Study, measure: str, say: store.Say) -> list[ModelSpec]:
    """Return the models whose weights are on this machine, and name the others.

    Args:
        study: gives the models.
        measure: what needs weights, as the line about the others calls it.
        say: where to say that line.
    """
    for spec in study.config.models:
        if not spec.here:
            say(f"{measure}: {spec.name} is left out: {away(spec)}")
    return [spec for spec in study.config.models if spec.here]


AWAY = "its weights are not on this machine, and the service gives no probabilities"
IMPORTED = "its answers are imported, and nothing else can be asked of it"


def away(spec: ModelSpec) -> str:
    """Say why what needs a model's weights cannot be measured; of a model that is not here."""
    return IMPORTED if spec.imported else AWAY
