"""Arms tuned step by step at Tinker, against a client of our own that keeps count.

What a real server makes of it is in `test_tinker_server.py`.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from mores import store
from mores.errors import ServiceError, TuneError
from mores.tune.batches import epoch_batches, learning_rate
from mores.tune.elsewhere import tinker
from mores.tune.elsewhere.tinker_data import answer_loss
from mores.tune.encode import EncodedSample, encode_dataset
from mores.weights.load import load
from mores.weights.resolve import resolve

SETTINGS = (
    "recipe.epochs=2", "recipe.batch_size=3", "recipe.prompt_weight=0.25", "recipe.anchor=0",
    "recipe.lora_alpha=32", "recipe.clip_norm=0.5", "recipe.weight_decay=0.01",
)  # fmt: skip
HOST = """tuner = "tinker"
[models.endpoint]
url = "http://127.0.0.1:9/v1"
[models.host]
key_env = "MORES_TEST_HOST_KEY"
{lines}
"""


class Killed(BaseException):
    """As a kill, it is caught by nobody."""


class Refused(Exception):
    """An error of the client."""


Refused.__module__ = "tinker._exceptions"


def now(value: Any) -> Any:
    return SimpleNamespace(result=lambda: value)


@dataclass
class FakeTinker:
    """A host that counts: each step raises the number that a state holds."""

    tokenizer: Any
    states: dict[str, int] = field(default_factory=dict)
    steps: list[dict[str, Any]] = field(default_factory=list)
    made: list[dict[str, Any]] = field(default_factory=list)
    samplers: list[str] = field(default_factory=list)
    error: Exception | None = None
    key: str = ""

    def module(self) -> ModuleType:
        module = ModuleType("tinker")
        module.TinkerError = Refused
        module.types = ModuleType("tinker.types")
        module.types.AdamParams = lambda **kwargs: kwargs
        module.types.Datum = lambda **kwargs: kwargs
        module.types.ModelInput = SimpleNamespace(from_ints=lambda ids: ids)
        module.ServiceClient = self.service
        return module

    def service(self, base_url=None, api_key=None):
        self.key = api_key
        return SimpleNamespace(
            create_lora_training_client=self.create,
            create_training_client_from_state_with_optimizer=lambda path: now(
                FakeClient(self, self.states[path])
            ),
            close=lambda: now(None),
        )

    def create(self, **kwargs):
        if self.error:
            raise self.error
        self.made.append(kwargs)
        return now(FakeClient(self, 0))


@dataclass
class FakeClient:
    host: FakeTinker
    count: int
    data: Any = None

    def get_tokenizer(self):
        return self.host.tokenizer

    def forward_backward(self, data, loss):
        assert loss == "cross_entropy"
        self.data = data
        rows = [SimpleNamespace(data=[-0.5] * len(d["model_input"])) for d in data]
        return now(SimpleNamespace(loss_fn_outputs=[{"logprobs": r} for r in rows]))

    def optim_step(self, params):
        self.host.steps.append({"at": self.count, "data": self.data, **params})
        self.count += 1
        return now(None)

    def save_state(self, name, ttl_seconds, overwrite):
        assert overwrite
        path = f"tinker://run/weights/{name}"
        self.host.states[path] = self.count
        return now(SimpleNamespace(path=path))

    def save_weights_for_sampler(self, name):
        self.host.samplers.append(name)
        return now(SimpleNamespace(path=f"tinker://run/sampler_weights/{name}"))


@pytest.fixture
def loaded(tiny_folder):
    return load(resolve(str(tiny_folder)))


@pytest.fixture
def host(loaded, monkeypatch):
    fake = FakeTinker(loaded.tokenizer)
    module = fake.module()
    monkeypatch.setitem(sys.modules, "tinker", module)
    monkeypatch.setitem(sys.modules, "tinker.types", module.types)
    return fake


def job_of(arms, *lines, settings=SETTINGS, arm="values_targeted"):
    entry = HOST.format(lines="\n".join(lines))
    return arms.job(arms.study(*settings, model="some/model", host=entry), arm)


def test_batches_rates_and_weights_are_those_of_the_loop_here(arms, host, loaded):
    job = job_of(arms)
    made = tinker.tune(job)
    samples = encode_dataset(loaded, job.study.dataset("values_targeted"), "chat")
    assert len(host.steps) == 6  # 8 samples by 3, twice
    for step, row in enumerate(host.steps):
        epoch, within = divmod(step, 3)
        batch = [samples[i] for i in epoch_batches(8, 3, 1, epoch)[within]]
        assert [d["model_input"] for d in row["data"]] == [list(s.ids[:-1]) for s in batch]
        targets = [d["loss_fn_inputs"]["target_tokens"] for d in row["data"]]
        assert targets == [list(s.ids[1:]) for s in batch]
        sent = [d["loss_fn_inputs"]["weights"] for d in row["data"]]
        assert sum(map(sum, sent)) == pytest.approx(1.0, abs=1e-12)
        # An answer's token weighs four times a prompt's.
        assert sent[0][-1] == pytest.approx(4 * sent[0][0], rel=1e-12)
        assert row["learning_rate"] == learning_rate(job.recipe, step, 6)
        assert (row["beta1"], row["beta2"], row["eps"]) == (0.9, 0.999, 1e-8)
        assert (row["weight_decay"], row["grad_clip_norm"]) == (0.01, 0.5)
    (asked,) = host.made
    assert (asked["base_model"], asked["rank"], asked["seed"]) == ("some/model", 4, 1)
    assert asked["train_unembed"] is False
    served = store.read_json(job.folder / "served.json")
    assert served["model"] == f"tinker://run/sampler_weights/{host.samplers[0]}"
    log = [row for _, row in store.read_rows(job.folder / "log.jsonl")]
    assert [row["loss"] for row in log] == pytest.approx([0.5] * 6)
    assert made.facts["tokens"] == 2 * sum(s.size for s in samples)
    assert made.facts["not_honoured"] == []


def test_the_loss_of_answers_by_hand():
    sample = EncodedSample("a", (7, 8, 9, 10), 2)  # tokens 9 and 10 are the answer's
    other = EncodedSample("b", (7, 8), 1)
    assert answer_loss([sample, other], [[-9.0, -1.0, -2.0], [-3.0]]) == pytest.approx(2.0)


def test_killed_at_every_moment_a_step_is_repeated_once_at_most(arms, loaded, monkeypatch):
    at, killed = 1, True
    while killed:
        fake = FakeTinker(loaded.tokenizer)
        with monkeypatch.context() as patch:
            module = fake.module()
            patch.setitem(sys.modules, "tinker", module)
            patch.setitem(sys.modules, "tinker.types", module.types)
            job = job_of(arms)
            for path in job.folder.glob("*") if job.folder.exists() else ():
                path.unlink()
            seen = [0]

            def maybe(at=at, seen=seen):
                seen[0] += 1
                if seen[0] == at:
                    raise Killed

            def around(real, maybe=maybe):
                def called(*args, **kwargs):
                    maybe()
                    done = real(*args, **kwargs)
                    maybe()
                    return done

                return called

            patch.setattr(tinker._Arm, "_keep", around(tinker._Arm._keep))
            patch.setattr(FakeClient, "optim_step", around(FakeClient.optim_step))
            killed = False
            try:
                tinker.tune(job)
            except Killed:
                killed = True
                tinker.tune(job)
            taken = [row["at"] for row in fake.steps]
            assert set(taken) == set(range(6))
            assert len(taken) <= 7, (at, taken)
            log = [row["step"] for _, row in store.read_rows(job.folder / "log.jsonl")]
            assert log == [1, 2, 3, 4, 5, 6]
        at += 1
    assert at > 24


def test_what_tinker_cannot_do_is_said(arms, host):
    lines = (
        "recipe.method=full",
        "recipe.lora_alpha=8",
        "recipe.anchor=1",
        "recipe.held_out=0.25",
        "recipe.dtype=float32",
    )
    made = tinker.tune(job_of(arms, settings=(*SETTINGS, *lines)))
    words = [line.partition(":")[0] for line in made.facts["not_honoured"]]
    assert words == [
        "recipe.method = full",
        "recipe.lora_alpha = 8",
        "recipe.anchor = 1",
        "recipe.held_out = 0.25",
        "recipe.dtype = float32",
    ]


def test_above_budget_nothing_is_made(arms, host):
    with pytest.raises(TuneError, match="more than host"):
        tinker.tune(job_of(arms, "most_money = 0.01", "prices = { trained = 1000.0 }"))
    assert not host.made


def test_the_clients_errors_are_ours_without_the_key(arms, host):
    host.error = Refused("key sk-s3cret-of-the-host is wrong")
    with pytest.raises(ServiceError, match=r"Refused: key \[key\] is wrong") as caught:
        tinker.tune(job_of(arms))
    assert "s3cret" not in str(caught.value)
    assert host.key == "sk-s3cret-of-the-host"
    host.error = None
    job = job_of(arms)
    tinker.tune(job)
    found = b"".join(p.read_bytes() for p in arms.folder.rglob("*") if p.is_file())
    assert b"s3cret" not in found


def test_without_the_client(arms, monkeypatch):
    monkeypatch.setitem(sys.modules, "tinker", None)
    with pytest.raises(TuneError, match="client is not installed"):
        tinker.tune(job_of(arms))


def test_other_samples_begin_anew(arms, host):
    job = job_of(arms)
    tinker.tune(job)
    path = arms.folder / "values.jsonl"
    path.write_text(path.read_text("utf-8").replace("number 0", "number zero"), "utf-8")
    tinker.tune(arms.job(arms.again(*SETTINGS)))
    assert len(host.made) == 2
