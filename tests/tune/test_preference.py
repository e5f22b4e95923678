"""The preference loss and its gradients equal plain transformers written out, and TRL's."""

from __future__ import annotations

import msgspec
import pytest
import torch
from transformers import AutoModelForCausalLM

from mores.errors import DataError, TuneError
from mores.records import Completion
from mores.sample import sample_rejected
from mores.study import load_study
from mores.tune import tune
from mores.tune.adapters import make_trainable
from mores.tune.loop import fit
from mores.tune.preference import accumulate, encode_pairs, mean_loss, reference_logprobs

BETA = 0.3


def answer(name: str, text: str, finish: str = "stop") -> Completion:
    return Completion(
        id=f"m.base.{name}.d0", prompt_id=name, category="care", model="m", arm="base", seed=0,
        draw=0, text=text, finish_reason=finish, prompt_tokens=5, tokens=3,
    )  # fmt: skip


@pytest.fixture
def own(examples):
    """Base's own answers: some end by themselves, some are cut off."""
    texts = ["birds sing when the sun is up", "no", "you can say that people differ"]
    return {
        e.id: answer(e.id, f"{texts[i % 3]} {i}", ("stop", "length")[i % 2])
        for i, e in enumerate(examples.examples)
    }


@pytest.fixture
def pairs(fresh, examples, own):
    return encode_pairs(fresh(), examples, "chat", own)


def moved(model, seed=3):
    """The same model after some training."""
    torch.manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))


def plain(folder):
    return AutoModelForCausalLM.from_pretrained(folder, attn_implementation="sdpa").eval()


def logprob(model, prompt, tokens) -> torch.Tensor:
    ids = torch.tensor([[*prompt, *tokens]])
    logprobs = model(ids).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
    return logprobs.gather(1, torch.tensor(tokens)[:, None]).sum()


def written_out(model, base, pairs, beta) -> torch.Tensor:
    losses = []
    for p in pairs:
        with torch.no_grad():
            reference = logprob(base, p.prompt, p.chosen) - logprob(base, p.prompt, p.rejected)
        now = logprob(model, p.prompt, p.chosen) - logprob(model, p.prompt, p.rejected)
        losses.append(-torch.nn.functional.logsigmoid(beta * (now - reference)))
    return torch.stack(losses).mean()


@pytest.mark.parametrize("micro_tokens", [10_000, 150, 1])
def test_loss_and_gradients_equal_plain_transformers(
    fresh, tiny_folder, pairs, recipe, micro_tokens
):
    loaded, other = fresh(), plain(tiny_folder)
    make_trainable(loaded, recipe, 1)
    reference = reference_logprobs(loaded, pairs)
    moved(loaded.model)
    moved(other)
    expected = written_out(other, plain(tiny_folder), pairs, BETA)
    expected.backward()
    row = accumulate(loaded, pairs, reference, beta=BETA, micro_tokens=micro_tokens)
    assert row["loss"] == pytest.approx(expected.item(), rel=1e-4)
    assert mean_loss(loaded, pairs, reference, BETA) == pytest.approx(expected.item(), rel=1e-4)
    named = dict(other.named_parameters())
    for name, parameter in loaded.model.named_parameters():
        torch.testing.assert_close(parameter.grad, named[name].grad, atol=2e-6, rtol=1e-3)


@pytest.mark.filterwarnings("ignore")
def test_loss_and_gradients_equal_trl(fresh, tiny_folder, pairs, recipe, tmp_path, monkeypatch):
    trl = pytest.importorskip("trl")
    import pyarrow as pa
    from datasets import Dataset
    from transformers import AutoTokenizer
    from trl.trainer.dpo_trainer import DataCollatorForPreference

    # The pairs are encoded already; TRL's own encoding is not the matter here.
    monkeypatch.setattr(trl.DPOTrainer, "_prepare_dataset", lambda self, dataset, *args: dataset)
    rows = pa.table({"prompt": ["a"], "chosen": ["b"], "rejected": ["c"]})
    model, base = plain(tiny_folder), plain(tiny_folder)
    trainer = trl.DPOTrainer(
        model,
        base,
        trl.DPOConfig(str(tmp_path), beta=BETA, report_to=[], use_cpu=True, bf16=False),
        train_dataset=Dataset(rows, fingerprint="pairs"),
        processing_class=AutoTokenizer.from_pretrained(tiny_folder),
    )
    moved(trainer.model)
    batch = DataCollatorForPreference(pad_token_id=0)(
        [
            {"prompt_ids": [*p.prompt], "chosen_ids": [*p.chosen], "rejected_ids": [*p.rejected]}
            for p in pairs
        ]
    )
    trainer.model.eval()  # no dropout either way
    theirs = trainer._compute_loss(trainer.model, batch, False)
    theirs.backward()
    loaded = fresh()
    make_trainable(loaded, recipe, 1)
    reference = reference_logprobs(loaded, pairs)
    moved(loaded.model)
    row = accumulate(loaded, pairs, reference, beta=BETA, micro_tokens=200)
    assert row["loss"] == pytest.approx(theirs.item(), rel=1e-4)
    named = dict(trainer.model.named_parameters())
    for name, parameter in loaded.model.named_parameters():
        torch.testing.assert_close(parameter.grad, named[name].grad, atol=2e-6, rtol=1e-3)


def test_before_training_every_pair_costs_log_two(fresh, pairs):
    loaded = fresh()
    reference = reference_logprobs(loaded, pairs)
    assert mean_loss(loaded, pairs, reference, BETA) == pytest.approx(0.693147, abs=1e-5)


@pytest.mark.parametrize("method", ["lora", "full"])
def test_training_prefers_the_samples(fresh, pairs, recipe, method):
    recipe = msgspec.structs.replace(
        recipe, method=method, learning_rate=3e-3, epochs=6, held_out=0.25, beta=BETA
    )
    log = fit(fresh(), pairs, recipe, seed=1).log
    assert log[0]["loss"] == pytest.approx(0.693147, abs=1e-3)
    assert log[-1]["loss"] < 0.35
    assert (log[0]["preferred"], log[-1]["preferred"]) == (0.0, 1.0)
    assert [bool(row.get("held_out_loss")) for row in log] == [False, True] * 6


def test_pairs_keep_ends_and_leave_out_what_cannot_be_preferred(fresh, examples, own):
    loaded = fresh()
    own["v-0"] = answer("v-0", examples.examples[0].completion)  # the sample itself
    own["v-1"] = answer("v-1", "")
    pairs = encode_pairs(loaded, examples, "chat", own)
    assert [p.id for p in pairs] == [f"v-{i}" for i in range(2, 8)]
    ended = {p.id: p.rejected[-1] for p in pairs}
    closing = pairs[0].chosen[-1]
    assert {name for name, token in ended.items() if token == closing} == {"v-2", "v-4", "v-6"}


def test_a_sample_without_an_answer_is_named(fresh, examples, own):
    del own["v-3"]
    with pytest.raises(DataError, match="base has not answered") as error:
        encode_pairs(fresh(), examples, "chat", own)
    assert "v-3" in str(error.value)


def test_an_arm_of_a_study(tiny_study, spoken):
    arms = 'arms=["base", "values_targeted", "preference"]'
    study = load_study(tiny_study, overrides=(arms, "preference.learning_rate=3e-3"))
    with pytest.raises(TuneError, match="base's own answers"):
        tune(study)
    drawn = sample_rejected(study, progress=spoken)
    assert [c.prompt_id for c in drawn] == [e.id for e in study.values.examples]
    assert {(c.arm, c.draw) for c in drawn} == {("base", 0)}
    first = tune(study, progress=spoken)
    assert [arm.key.name for arm in first] == ["values_targeted-s1", "preference-s1"]
    assert first[1].log[0]["learning_rate"] != first[0].log[0]["learning_rate"]
    spoken.lines.clear()
    tune(study, progress=spoken)
    assert sum("done before" in line for line in spoken.lines) == 2
    again = load_study(
        tiny_study, overrides=(arms, "preference.learning_rate=3e-3", "preference.decoding.top_k=5")
    )
    sample_rejected(again)
    spoken.lines.clear()
    tune(again, progress=spoken)
    assert any("rejected changed" in line for line in spoken.lines)
