"""The study's own prompts to a service in use, once each: its answers beside the study's."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from msgspec.structs import replace

from mores.errors import ServiceError
from mores.progress import Progress
from mores.sample.engine import Job
from mores.sample.requests import prompt_requests
from mores.study import ArmKey, ModelSpec, Study
from mores.study.elsewhere import Endpoint
from mores.tune.base import base_of
from mores.weights.resolve import ResolvedModel

if TYPE_CHECKING:
    from mores.records import Prompt

PLACE = "watch"


def ask(
    study: Study,
    spec: ModelSpec,
    key: ArmKey,
    url: str,
    *,
    prompts: tuple[Prompt, ...],
    api: Literal["auto", "chat", "completions"],
    served: str,
    key_env: str,
    look: int,
    progress: Progress,
) -> dict[str, str]:
    """Put prompts to a service, one answer each.

    Args:
        study: with the settings of sampling.
        spec: the model that the service is said to serve.
        key: the arm.
        url: up to and with ``/v1``.
        prompts: what is asked.
        api: how: as messages, or as token ids.
        served: what the service calls the arm.
        key_env: environment variable that holds a key.
        look: number of the look: other random numbers each time.
        progress: where to show how far it is.

    Returns:
        Prompt id → answer; without those that the service would not answer.

    Raises:
        ServiceError: it refuses, does not answer, or answers nothing at all.
    """
    from mores.sample.endpoint.engine import OpenAi

    endpoint = Endpoint(url=url, api=api, served={key.name: served, key.arm: served},
                        key_env=key_env)  # fmt: skip
    asked = replace(spec, engine="openai", endpoint=endpoint)
    here = spec.here and api != "chat"
    # With no tokenizer at hand the service writes the prompt, as it does for its users.
    resolved = base_of(spec, progress.say) if here else ResolvedModel(spec.name, "", "", "")
    if not here:
        asked = replace(asked, tuner="none", host=None)
    apart = study.variant(PLACE, study.config)  # what was asked is accounted for there
    job = Job(apart, asked, resolved, {}, study.config.sample.decoding, Path(), progress)
    task = progress.task("watch", len(prompts), "answers")
    found: dict[str, str] = {}
    with closing(OpenAi(job)) as engine:
        requests = [
            dataclasses.replace(request, draw=look)
            for request in prompt_requests(
                engine.reader, spec.format, [key], prompts, 1, study.charter, study.values
            )
        ]
        for (request,), (drawn,) in engine.draw(engine.units(requests)):
            if not drawn.absent and drawn.text is not None:
                found[request.prompt_id] = drawn.text
            task.advance(1)
    task.finish()
    if not found:
        raise ServiceError(
            f"none of {len(requests)} prompts was answered",
            where=url,
            fix="see what the service says; --served is what it calls the arm",
        )
    return found
