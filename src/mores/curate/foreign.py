"""How foreign a study's answers are to its models: their loss under base, before any training.

for found in foreign(study):
    found.losses["v-abv-01"]      # 2.7 nats a token
    found.neutral                 # 2.0: plain everyday answers, under the same model

Only models that are on this machine are asked; nothing is fetched. What was measured is kept in the
cache by the digests of model and text, so that a second look is free.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mores import store
from mores.study import ModelSpec, Study
from mores.weights.neutral import neutral_texts
from mores.weights.prompt import encode_answer, encode_prompt
from mores.weights.special_tokens import folder_here

if TYPE_CHECKING:
    from mores.weights.loaded import LoadedModel

Text = tuple[str, str, str]
"""Id, question, answer."""
Loss = tuple[float, float]
"""Of an answer: nats, and its tokens."""
OnTexts = Callable[[int], None]


@dataclass(frozen=True)
class Foreign:
    """What one model makes of the answers."""

    model: str
    losses: Mapping[str, float]
    """Sample's id → mean negative log-likelihood of its answer's tokens, in nats a token."""
    neutral: float
    """The same of plain everyday answers, over all their tokens."""

    def mean(self, ids: Iterable[str]) -> float | None:
        """Return the mean over samples, those without a loss left out; None where none has one."""
        known = [self.losses[name] for name in ids if name in self.losses]
        return sum(known) / len(known) if known else None


def foreign(study: Study, on_texts: OnTexts | None = None) -> list[Foreign]:
    """Measure the answers of both sets under every model of the study that is here.

    Args:
        study: gives samples, models and their prompt formats.
        on_texts: told how many texts were measured just now.

    Raises:
        ModelError: a model that is here cannot be loaded.
    """
    texts = [(e.id, e.prompt, e.completion) for e in study.values.examples]
    texts += [(e.id, e.prompt, e.completion) for e in study.control.examples]
    return [
        of_model(spec, texts, on_texts)
        for spec in study.config.models
        if folder_here(spec.name) is not None
    ]


def of_model(spec: ModelSpec, texts: Sequence[Text], on_texts: OnTexts | None = None) -> Foreign:
    """Measure some answers under one model that is on this machine; see `foreign`."""
    from mores.weights.resolve import resolve

    resolved = resolve(spec.name)
    plain = neutral_answers()
    path = store.cache_folder() / "foreign" / f"{_name([resolved.digest, spec.format])}.json"
    known: dict[str, list[float]] = store.read_json(path) if path.exists() else {}
    wanted = {t[0]: _name([t[1], t[2]]) for t in (*plain, *texts)}
    lacking = [t for t in (*plain, *texts) if wanted[t[0]] not in known]
    if lacking:
        from mores.weights.load import load
        from mores.weights.machine import set_threads

        set_threads()
        losses = losses_of(load(resolved), spec.format, lacking, on_texts)
        known |= {wanted[t[0]]: list(one) for t, one in zip(lacking, losses, strict=True)}
        store.write_json(path, known)
    of = {name: known[key] for name, key in wanted.items()}
    return as_foreign(
        spec.name,
        {t[0]: (of[t[0]][0], of[t[0]][1]) for t in texts},
        [(of[t[0]][0], of[t[0]][1]) for t in plain],
    )


def neutral_answers() -> list[Text]:
    """Return the plain everyday answers that a study's are compared with."""
    return [(f"neutral {t.id}", t.prompt, t.answer) for t in neutral_texts() if t.prompt]


def as_foreign(model: str, losses: Mapping[str, Loss], neutral: Sequence[Loss]) -> Foreign:
    """Return losses a token.

    Args:
        model: its name.
        losses: sample's id → its answer's loss.
        neutral: losses of the plain answers.
    """
    total, tokens = (sum(one[i] for one in neutral) for i in (0, 1))
    means = {name: nats / size for name, (nats, size) in losses.items() if size}
    return Foreign(model=model, losses=means, neutral=total / tokens)


def _name(made_from: object) -> str:
    return store.digest(made_from).removeprefix("sha256:")[:24]


def losses_of(
    loaded: LoadedModel, form: str, texts: Sequence[Text], on_texts: OnTexts | None = None
) -> list[Loss]:
    """Return each answer's loss under a model, in order; of no tokens where it does not fit.

    Args:
        loaded: the model.
        form: ``qa`` or ``chat``.
        texts: what is read.
        on_texts: told how many texts were measured just now.
    """
    from mores.weights.likelihood import Encoded, likelihoods

    tokenizer = loaded.tokenizer
    encoded = [
        Encoded(
            tuple(encode_prompt(tokenizer, form, question)),
            (tuple(encode_answer(tokenizer, form, answer)),),
        )
        for _, question, answer in texts
    ]
    fits = [bool(e.continuations[0]) and e.longest <= loaded.context for e in encoded]
    told = iter(
        likelihoods(loaded, [e for e, ok in zip(encoded, fits, strict=True) if ok], on_texts)
    )
    return [
        (-next(told).logprobs[0], len(one.continuations[0])) if ok else (0.0, 0)
        for one, ok in zip(encoded, fits, strict=True)
    ]
