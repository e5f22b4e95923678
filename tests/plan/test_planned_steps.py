"""Steps know beforehand how long they take: by the same tokens and rates as the plan."""

from __future__ import annotations

import pytest

from mores.measure.capability import capability
from mores.measure.coherence import coherence
from mores.measure.stance import stance
from mores.measure.stance.run import PAIR_TOKENS
from mores.plan import plan
from mores.progress import Progress
from mores.sample import sample, sample_stems
from mores.sample.run import read_completions
from mores.study import load_study
from mores.tune import tune
from mores.weights.rates import Rates

RATES = Rates(train=10.0, read=1e12, draw=4.0, rows=40)


class Asked(Progress):
    """Keeps what tasks are planned to take."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.planned: dict[str, float | None] = {}

    def task(self, name, total, unit="", *, planned=None, plain=True):
        self.planned[name] = planned
        return super().task(name, total, unit, planned=planned, plain=plain)


@pytest.fixture
def measured(monkeypatch):
    def measure(rates: Rates | None) -> None:
        monkeypatch.setattr("mores.weights.rates.known_rates", lambda *_: rates)
        monkeypatch.setattr("mores.plan.rates.known_rates", lambda *_: rates)

    return measure


def test_each_step_takes_its_part_of_the_plan(tiny_study, measured):
    study, asked = load_study(tiny_study), Asked()
    measured(RATES)
    (work,) = plan(study, probe=False).models
    tune(study, progress=asked)
    assert asked.planned["tune values_targeted-s1"] == 2 * work.train_tokens / 10
    sample(study, progress=asked)
    sample_stems(study, progress=asked)
    drawn = asked.planned["sample"] + asked.planned["stems"]
    assert drawn == pytest.approx(work.draw_tokens / 4)
    # What reads only, once reading is what takes time.
    measured(Rates(train=1e12, read=8.0, draw=1e12, rows=40))
    capability(study, progress=asked)
    assert asked.planned["capability"] == pytest.approx(work.capability_tokens / 8, abs=1 / 8)
    coherence(study, progress=asked)
    answers = read_completions(study, study.config.models[0].name)
    assert asked.planned["coherence"] == sum(c.tokens for c in answers) / 8
    stance(study, progress=asked)
    arms = len(study.config.arms)
    assert asked.planned["stance"] == len(study.pairs("test")) * arms * PAIR_TOKENS / 8


def test_without_measured_rates_no_step_has_a_plan(tiny_study, measured):
    measured(None)
    asked = Asked()
    tune(load_study(tiny_study), progress=asked)
    assert asked.planned == {"tune values_targeted-s1": None, "tune control-s1": None}
