"""What every engine of `mores.sample.engine` must do, by asking it.

    check(engine_of("torch"), study_with_tuned_arms)

The reference is greedy decoding by `mores.sample.decoder`, so that an engine that reads another
prompt, loses an adapter or stops elsewhere gives another text.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace

from mores.progress import Progress
from mores.records import Decoding
from mores.sample.decoder import Decoder
from mores.sample.engine import Engine, Job
from mores.sample.grid import answer_text
from mores.sample.requests import Request, completion_id, prompt_requests
from mores.sample.weights import arm_in_place
from mores.study import Study, arm_keys
from mores.tune.base import base_of
from mores.tune.run import tuned_folders
from mores.weights.load import load

GREEDY = Decoding(temperature=0.0, max_new_tokens=12)
WARM = Decoding(temperature=1.0, max_new_tokens=12)


@dataclass
class Seen:
    """What an engine gave, by request."""

    requests: list[Request]
    text: dict[str, str]
    finish: dict[str, str]
    read: dict[str, int]
    drawn: dict[str, int]
    facts: dict


def job(study: Study, decoding: Decoding, folder: Path) -> Job:
    spec = study.config.models[0]
    tuned = tuned_folders(study, spec, lambda _: None)
    return Job(study, spec, base_of(spec), tuned, decoding, folder, Progress(quiet=True))


def requests_of(engine: Engine, study: Study, draws: int) -> list[Request]:
    spec = study.config.models[0]
    keys = arm_keys(study.config.arms, study.config.train_seeds)
    prompts = study.chosen_prompts[:3]
    return prompt_requests(
        engine.reader, spec.format, keys, prompts, draws, study.charter, study.values
    )


def ask(make: Callable[[Job], Engine], given: Job, *, draws: int = 1, most: int = 0) -> Seen:
    """Put questions to an engine; stop after ``most`` units, if given, as a killed run would."""
    with closing(make(given)) as engine:
        requests = requests_of(engine, given.study, draws)
        units = engine.units(requests)
        assert sorted(_id(given, r) for u in units for r in u) == sorted(
            _id(given, r) for r in requests
        )
        seen = Seen(requests, {}, {}, {}, {}, {})
        for number, (unit, results) in enumerate(engine.draw(units), 1):
            assert len(results) == len(unit)
            for request, result in zip(unit, results, strict=True):
                name = _id(given, request)
                assert name not in seen.text, f"{name} was answered twice"
                text = result.text
                if text is None:
                    text = answer_text(engine.reader.tokenizer, result.ids, request.stop)
                seen.text[name] = text
                seen.finish[name] = result.finish_reason
                seen.read[name] = len(request.ids) if result.read is None else result.read
                seen.drawn[name] = len(result.ids) if result.drawn is None else result.drawn
            if number == most:
                break
        seen.facts = engine.facts
    return seen


def _id(given: Job, request: Request) -> str:
    return completion_id(given.spec.name, request)


def reference(given: Job, requests: list[Request]) -> dict[str, str]:
    """Greedy texts by our own decoder, one arm after the other."""
    loaded = load(given.resolved)
    found = {}
    for weights in dict.fromkeys(r.key.weights for r in requests):
        rows = [r for r in requests if r.key.weights == weights]
        with arm_in_place(loaded, given.tuned, weights):
            drawn = Decoder(loaded).draw(rows, given.decoding, given.seed)
        for row, result in zip(rows, drawn, strict=True):
            found[_id(given, row)] = answer_text(loaded.tokenizer, result.ids, row.stop)
    return found


def check(
    make: Callable[[Job], Engine], study: Study, folder: Path, *, most_other: float = 0.0
) -> Seen:
    """Check all that the contract says.

    Args:
        make: makes the engine.
        study: with tuned arms.
        folder: for what the engine keeps.
        most_other: share of greedy texts that may differ from the reference, where an engine's
            arithmetic differs in the last digits and a near-tie may fall the other way.
    """
    greedy = job(study, GREEDY, folder)
    seen = ask(make, greedy)
    ids = {_id(greedy, r) for r in seen.requests}
    assert set(seen.text) == ids  # every request once
    for request in seen.requests:
        name = _id(greedy, request)
        if request.ids:
            assert seen.read[name] == len(request.ids)  # the very prompt
        assert seen.finish[name] in ("stop", "length", "context")
        assert seen.drawn[name] <= GREEDY.max_new_tokens + 1  # a service may count the end
        if seen.finish[name] == "length":
            assert seen.drawn[name] >= GREEDY.max_new_tokens
    if seen.requests[0].ids:
        own = reference(greedy, seen.requests)
        other = [n for n in own if own[n] != seen.text[n]]
        assert len(other) <= most_other * len(own), {n: (own[n], seen.text[n]) for n in other[:3]}
        arms = {}
        for request in seen.requests:
            arms.setdefault(request.key.name, []).append(seen.text[_id(greedy, request)])
        assert arms["base"] != arms["values_targeted-s1"]  # the adapter does something
    warm = job(study, WARM, folder)
    first, second = ask(make, warm, draws=2), ask(make, warm, draws=2)
    assert first.text == second.text  # the same seed, the same answers
    draws = {name.rpartition(".d")[0] for name in first.text}
    assert any(first.text[f"{n}.d0"] != first.text[f"{n}.d1"] for n in draws)
    other_seed = replace(study.config, seed=study.config.seed + 1)
    assert ask(make, job(study.with_config(other_seed), WARM, folder), draws=2).text != first.text
    some = ask(make, warm, draws=2, most=1)  # stopped in the middle: what came is right
    assert {n: first.text[n] for n in some.text} == some.text
    assert seen.facts["name"]
    assert seen.facts["random_numbers"]
    return seen
