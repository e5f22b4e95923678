"""M408: an answer that the model itself would hardly write."""

from __future__ import annotations

from collections.abc import Iterator

from mores.curate.foreign import Foreign
from mores.curate.lint.rule import found, found_in_file, not_checked
from mores.curate.lint.subject import Subject
from mores.records import Finding, Severity
from mores.study.languages import is_english

SET, ONE = 0.9, 1.5
"""Nats a token above plain everyday answers from which a set, or one answer, is foreign. Measured
on SmolLM2-135M-Instruct (docs/recipe.md): with a set at +2.1 a tune spent itself on style, with
sets at +0.6 to +0.9 it moved the stance."""


class ForeignText:
    """Answers are no text that the study's models find foreign.

    Mean loss of base on each answer, in nats a token, against that of plain everyday answers under
    the same model. Training on foreign text teaches its style first, and little else. Only where
    the models were asked (`mores check` asks those on this machine).
    """

    id = "M408"
    name = "foreign-text"
    severity: Severity = "warning"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return a finding for each set that is foreign, and for each answer that stands out."""
        if not is_english(subject.charter.language):
            yield not_checked(self, subject, "the plain answers to compare with are English")
            return
        for model in subject.foreign:
            for part, items in (("values", subject.values), ("control", subject.control)):
                mean = model.mean(i.id for i in items)
                if mean is not None:
                    yield from self._set(model, f"{part}.jsonl", mean)
            for item in subject.samples:
                loss = model.losses.get(item.id)
                if loss is not None and loss > model.neutral + ONE:
                    yield found(
                        self,
                        item,
                        f"{model.model} finds it foreign: {loss:.2f} nats a token, more than "
                        f"{_percentile(model, loss):.0f} % of the samples, expected at most "
                        f"{model.neutral + ONE:.2f}",
                        fix="use plainer words and shorter sentences",
                        value=round(loss, 4),
                    )

    def _set(self, model: Foreign, path: str, mean: float) -> Iterator[Finding]:
        above = mean - model.neutral
        said = (
            f"{model.model} finds its answers at {mean:.2f} nats a token on average, plain "
            f"everyday ones at {model.neutral:.2f}"
        )
        if above > SET:
            fix = "write as the model would: plainer words, shorter sentences, no literary style"
            yield found_in_file(
                self, path, f"{said}: foreign to it (expected at most {SET:g} more)", fix=fix,
                value=round(mean, 4),
            )  # fmt: skip
        else:
            yield found_in_file(self, path, said, severity="info", value=round(mean, 4))


def _percentile(model: Foreign, loss: float) -> float:
    """Share of the study's answers, in percent, that the model finds less foreign."""
    return 100 * sum(other < loss for other in model.losses.values()) / len(model.losses)
