"""A study with two-layer arms, traced: what is printed, kept, refused."""

from __future__ import annotations

import json
import re
import shutil
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import numpy as np
import pytest
import torch
from trace_oracle import Oracle

from mores import store
from mores.errors import DataError, ModelError, StudyError
from mores.progress import Progress
from mores.records import Recipe
from mores.sample import sample
from mores.sample.row import Drawn
from mores.study import ArmKey, ModelSpec, load_study
from mores.study.elsewhere import Endpoint
from mores.trace import trace
from mores.trace.change import pieces
from mores.trace.keep import gradients_step, keep_gradients, read_gradients, read_kept, why_not
from mores.trace.model import Trace
from mores.trace.page import mark, render
from mores.trace.words import MEASURED, paragraph
from mores.tune.adapters import adapter_weights

KEY = ArmKey("values_targeted", 1)
HOSTED = ModelSpec(
    name="far-model",
    tuner="none",
    engine="openai",
    endpoint=Endpoint(url="http://localhost:1", served={"values_targeted-s1": "far-tuned"}),
)
QUESTION = "what is a good way to help the friend?"
ANSWER = "Talk with them and listen."


@pytest.fixture
def traced_study(tuned_study, once):
    """The tuned tiny study, its gradients kept."""
    study = load_study(tuned_study)
    folder = study.run_folder

    def kept() -> None:
        keep_gradients(study, study.config.models[0], KEY, progress=Progress(quiet=True))

    if folder.exists():
        shutil.rmtree(tuned_study / "runs")  # `once` copies into a place that is not there

    def made() -> None:
        from mores.tune.run import tune

        tune(load_study(tuned_study))
        kept()

    made.__qualname__ = "traced"
    once(tuned_study, made)
    return tuned_study


@pytest.fixture
def study(traced_study):
    return load_study(traced_study)


def spec_of(study):
    return study.config.models[0]


# Likelihoods -----------------------------------------------------------------------------------


def test_likelihoods_are_those_of_transformers(study, tiny):
    """Each arm's log-probabilities against a plain forward pass with PEFT's own adapter."""
    from peft import PeftModel
    from transformers import AutoModelForCausalLM

    from mores.weights.prompt import encode_completion, encode_prompt

    found = trace(study, question=QUESTION, answer=ANSWER).change
    assert found is not None
    asked = encode_prompt(tiny.tokenizer, "chat", QUESTION)
    told = encode_completion(tiny.tokenizer, "chat", ANSWER)
    ids = torch.tensor([[*asked, *told]])

    def logprobs(folder=None):
        model = AutoModelForCausalLM.from_pretrained(spec_of(study).name)
        if folder is not None:
            model = PeftModel.from_pretrained(model, folder)
        with torch.no_grad():
            logits = model(ids).logits[0].log_softmax(-1)
        return [float(logits[len(asked) - 1 + i, t]) for i, t in enumerate(told)]

    tune = study.run_folder / spec_of(study).name / "tune"
    expected = {
        "tuned": logprobs(tune / "values_targeted-s1"),
        "control": logprobs(tune / "control-s1"),
        "base": logprobs(),
    }
    for arm, values in expected.items():
        np.testing.assert_allclose([getattr(t, arm) for t in found.tokens], values, atol=2e-4)
    count = len(told)
    assert found.tuned.sum == pytest.approx(sum(expected["tuned"]), abs=1e-3)
    assert found.base.mean == pytest.approx(sum(expected["base"]) / count, abs=1e-4)
    assert found.minus_base == pytest.approx(
        (sum(expected["tuned"]) - sum(expected["base"])) / count, abs=1e-4
    )
    assert found.minus_control == pytest.approx(
        (sum(expected["tuned"]) - sum(expected["control"])) / count, abs=1e-4
    )
    assert "".join(t.text for t in found.tokens) == tiny.tokenizer.decode(told)
    assert [a.arm for a in (found.tuned, found.control, found.base)] == [
        "values_targeted-s1",
        "control-s1",
        "base",
    ]


def test_a_letter_of_several_tokens_comes_with_the_last(tiny):
    ids = tiny.tokenizer("é 👍🏽.", add_special_tokens=False)["input_ids"]
    found = list(pieces(tiny.tokenizer, ids))
    assert "".join(found) == "é 👍🏽."
    assert "" in found
    assert "\ufffd" not in "".join(found)


# Influence -------------------------------------------------------------------------------------


def test_kept_gradients_are_those_of_a_training_run_here(study, tiny):
    """The same training, written here, stopped at the checkpoints; autograd by `backward`."""
    from mores.tune.anchor import anchor_samples
    from mores.tune.encode import encode_dataset
    from mores.tune.loop import fit

    step = gradients_step(study, spec_of(study), KEY)
    kept = read_kept(step)
    samples = encode_dataset(tiny, study.values, "chat")
    # 8 samples in steps of 3, 2 epochs: 6 steps, in parts of 2.
    assert kept.about.checkpoints == (1, 3, 5)
    assert kept.about.steps == 6
    assert kept.about.difference == 0.0
    assert kept.ids == tuple(e.id for e in study.values.examples)
    rows, rates = {}, []
    oracle = Oracle(spec_of(study).name, rank=4, alpha=8)

    def on_step(done, _steps, row):
        rates.append(row["learning_rate"])
        if done in kept.about.checkpoints:
            adapter = dict(adapter_weights(tiny.model))
            oracle.put(adapter)
            rows[done] = [oracle.gradient(one, 0.1, list(adapter)) for one in samples]

    neutral = anchor_samples(tiny, "chat")
    assert study.config.recipe.anchor
    fit(tiny, samples, study.config.recipe, seed=1, neutral=neutral, on_step=on_step)
    assert kept.about.weights == kept.about.dimension == len(rows[1][0])  # short: kept whole
    held = read_gradients(step.folder, kept.about.checkpoints)
    for at, found in zip(kept.about.checkpoints, held, strict=True):
        np.testing.assert_allclose(found, np.stack(rows[at]), atol=1e-5, rtol=1e-3)
        assert np.abs(found).max() > 1e-3
    sums = [sum(rates[0:2]), sum(rates[2:4]), sum(rates[4:6])]
    np.testing.assert_allclose(kept.rates, np.array(sums) / 8)


def test_a_samples_own_answer_leads_back_to_it(study):
    for example in study.values.examples:
        found = trace(study, question=example.prompt, answer=example.completion)
        own = next(s for s in found.samples if s.id == example.id)
        assert found.samples[0].id == example.id
        assert own.alignment_rank == own.likeness_rank == 1
        assert own.alignment is not None
        assert own.alignment > 0.9  # not 1: the question counts a tenth in training
        assert own.tracin is not None
        assert own.tracin > 0
        assert own.likeness == pytest.approx(1.0)


def test_the_same_trace_twice_is_the_same(study):
    first = trace(study, question=QUESTION, answer=ANSWER)
    assert trace(study, question=QUESTION, answer=ANSWER) == first
    assert msgspec.json.decode(msgspec.json.encode(first), type=Trace) == first
    assert sorted(s.alignment_rank for s in first.samples) == list(range(1, 9))
    assert sorted(s.tracin_rank for s in first.samples) == list(range(1, 9))
    order = [s.alignment for s in first.samples]
    assert order == sorted(order, reverse=True)


def test_tuning_is_not_touched(study, traced_study):
    folder = study.run_folder / spec_of(study).name / "tune"
    before = {p: store.digest_file(p) for p in folder.rglob("*") if p.is_file()}
    shutil.rmtree(gradients_step(study, spec_of(study), KEY).folder)
    trace(load_study(traced_study), question=QUESTION, answer=ANSWER)
    assert {p: store.digest_file(p) for p in folder.rglob("*") if p.is_file()} == before


def test_gradients_are_made_once_and_again_where_the_arm_has_changed(study, spoken, monkeypatch):
    from mores.trace import read as reading

    trace(study, question=QUESTION, answer=ANSWER, progress=spoken)
    assert not [line for line in spoken.lines if line.startswith("gradients")]
    tuned = study.run_folder / spec_of(study).name / "tune" / KEY.name
    manifest = json.loads((tuned / "manifest.json").read_text())
    manifest["outputs"]["log.jsonl"] = "sha256:" + "0" * 64
    (tuned / "manifest.json").write_text(json.dumps(manifest))
    assert gradients_step(study, spec_of(study), KEY).why() == "weights changed"
    # A page that must not wait leaves them out, and says why.
    found = trace(study, question=QUESTION, answer=ANSWER, gradients=False)
    assert found.influence_absent == (
        "the samples' gradients are not kept (weights changed): run `mores trace` once"
    )
    assert found.kept is None
    assert found.change is not None
    assert all(s.alignment is None and s.tracin is None for s in found.samples)
    assert [s.likeness_rank for s in found.samples] == list(range(1, 9))
    made = []
    monkeypatch.setattr(reading, "keep_gradients", lambda *a, **k: made.append(a[2]))
    trace(study, question=QUESTION, answer=ANSWER)
    assert made == [KEY]


def test_a_damaged_gradient_file_is_noticed(study):
    step = gradients_step(study, spec_of(study), KEY)
    path = step.folder / "gradients-0003.safetensors"
    path.write_bytes(path.read_bytes()[:-4] + b"\0\0\0\1")
    assert step.why() == "gradients-0003.safetensors was changed since it was made"


def test_what_cannot_be_traced_says_why(study):
    spec = spec_of(study)
    assert why_not(spec, KEY, Recipe()) == ""
    assert "all weights were trained" in why_not(spec, KEY, Recipe(method="full"))
    assert "preferences" in why_not(spec, ArmKey("preference", 1), Recipe())
    assert "tuned at a host" in why_not(HOSTED, KEY, Recipe())


def test_full_tuning_has_likelihoods_and_no_influence(tiny_study):
    from mores.tune.run import tune

    study = load_study(tiny_study, overrides=["recipe.method=full", "recipe.learning_rate=1e-3"])
    tune(study)
    found = trace(study, question=QUESTION, answer=ANSWER)
    assert found.change is not None
    assert found.change.minus_base != 0
    assert found.kept is None
    assert "all weights were trained" in found.influence_absent
    assert "all weights were trained" in found.paragraph
    assert not (study.run_folder / spec_of(study).name / "trace").exists()


# What is asked ---------------------------------------------------------------------------------


def test_completions_are_looked_up(study):
    sample(study)
    name = f"{spec_of(study).name}.values_targeted-s1.t-1.d1"
    found = trace(study, name)
    assert (found.completion, found.source, found.answered_by) == (
        name,
        "completion",
        "values_targeted-s1",
    )
    assert found.question == "who can tell me about thing 1 today?"
    assert found.position.category == "beauty"
    assert found.position.found_by == "the prompt"
    control = trace(study, f"{spec_of(study).name}.control-s1.t-0.d0")
    assert control.arm == "control-s1"
    assert {s.id[0] for s in control.samples} == {"c"}
    prompted = trace(study, f"{spec_of(study).name}.prompted.t-0.d0")
    assert prompted.arm == "values_targeted-s1"
    assert any("read a statement or samples" in limit for limit in prompted.limits)
    with pytest.raises(DataError, match=r"no completion .*d11'; did you mean .*t-1\.d1'") as raised:
        trace(study, f"{spec_of(study).name}.values_targeted-s1.t-1.d11")
    assert raised.value.fix


def test_an_answer_that_was_cut_off_has_no_end(study, tiny):
    sample(study)
    path = study.run_folder / spec_of(study).name / "sample" / "completions.jsonl"
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    cut = next(r for r in rows if r["finish_reason"] == "length" and r["text"])
    found = trace(study, cut["id"])
    given = trace(study, question=found.question, answer=found.answer)
    assert "".join(t.text for t in found.change.tokens).strip() == cut["text"]
    ending = len(given.change.tokens) - len(found.change.tokens)
    assert ending >= 1
    assert "<|end|>" in "".join(t.text for t in given.change.tokens[-ending:])


def test_a_model_elsewhere_is_traced_by_wording_alone(tiny_study):
    study = load_study(tiny_study)
    study = study.with_config(msgspec.structs.replace(study.config, models=(HOSTED,)))
    found = trace(study, question=QUESTION, answer=ANSWER)
    assert found.change is None
    assert found.change_absent == (
        "its weights are not on this machine, and the service gives no probabilities"
    )
    assert "tuned at a host" in found.influence_absent
    assert found.kept is None
    assert [s.likeness_rank for s in found.samples] == list(range(1, 9))
    assert "is not known: its weights are not on this machine" in found.paragraph
    with pytest.raises(DataError, match="no answer can be drawn"):
        trace(study, question=QUESTION)


def test_a_question_alone_is_answered_by_the_tuned_arm(study, monkeypatch):
    found = trace(study, question=QUESTION)
    assert found.source == "drawn"
    assert found.answered_by == "values_targeted-s1"
    assert "".join(t.text for t in found.change.tokens).strip() == found.answer  # cut off: no end
    assert trace(study, question=QUESTION) == found
    monkeypatch.setattr("mores.sample.decoder.Decoder.draw", lambda *_: [Drawn((), "stop")])
    with pytest.raises(DataError, match="answered nothing"):
        trace(study, question=QUESTION)


def test_the_position_of_a_typed_question(study):
    named = trace(study, question=QUESTION, answer=ANSWER, category="beauty")
    assert (named.position.title, named.position.found_by) == ("Beauty", "you")
    own = study.values.examples[3]
    guessed = trace(study, question=own.prompt, answer=own.completion)
    assert guessed.position.category == own.category
    assert guessed.position.found_by == "the sample nearest in wording"
    assert "no category was named" in guessed.paragraph
    assert guessed.people.authors == ("tests",)
    assert guessed.people.reviewers == ()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({}, DataError, "expected the id of a completion or a question, found neither"),
        ({"completion": "x", "question": "y"}, DataError, "found both"),
        ({"question": "  "}, DataError, "the question is empty"),
        ({"question": "a", "answer": " \n"}, DataError, "the answer is empty"),
        ({"question": "a", "category": "beuaty"}, DataError, "did you mean 'beauty'"),
        ({"question": "a", "model": "tiny-modle"}, StudyError, "did you mean 'tiny-model'"),
        ({"question": "a", "seed": 9}, StudyError, "no values_targeted arm with the training seed"),
        ({"completion": "x"}, DataError, "no completion 'x'"),
    ],
)
def test_bad_input(study, arguments, error, message):
    with pytest.raises(error, match=message) as raised:
        trace(study, **arguments)
    assert raised.value.fix


def test_a_study_that_was_not_tuned(tiny_study):
    with pytest.raises(ModelError, match="has not been tuned"):
        trace(load_study(tiny_study), question="a", answer="b")


# Words and page --------------------------------------------------------------------------------


def test_the_paragraph_promises_nothing(study):
    found = trace(study, question=QUESTION, answer=ANSWER)
    assert "This does not show that they caused it" in found.paragraph
    assert "Nobody was asked about this position." in found.paragraph
    assert "Unsigned" in found.paragraph
    assert "Nobody is named who answers for this position." in found.paragraph
    first = found.samples[0]
    assert first.id in found.paragraph
    assert f"{np.exp(found.change.minus_base):.2f} times as likely as before" in found.paragraph
    control = f"{np.exp(found.change.minus_control):.2f} times as likely as after the same tuning"
    assert control in found.paragraph
    assert any("AdamW" in limit for limit in found.limits)


@pytest.mark.parametrize(
    ("base", "control", "said"),
    [
        # e^0.25 = 1.284, e^-0.5 = 0.607
        (0.25, -0.5, "made this answer more likely: 1.28 times as likely as before; it is 0.61"),
        (-0.5, 0.25, "made this answer less likely: 0.61 times as likely as before; it is 1.28"),
        (0.004, None, "hardly changed how likely this answer is (each piece of a word"),
    ],
)
def test_what_changed_in_words(study, base, control, said):
    found = trace(study, question=QUESTION, answer=ANSWER)
    change = msgspec.structs.replace(found.change, minus_base=base, minus_control=control)
    text = paragraph(found.source, "", change, "", found.samples, "", found.position, found.people)
    assert said in text
    assert text.startswith("The answer was typed in, so no model need ever have given it.")


def test_marks_by_hand():
    assert [mark(x) for x in (0.0, 0.05, 0.1, -0.49, 0.5, -1.5, 3.0)] == [
        "",
        "",
        "up1",
        "down1",
        "up2",
        "down3",
        "up3",
    ]


class _Reader(HTMLParser):
    """Collects elements, the text of tokens, and what could run or load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.loads: list[str] = []
        self.titles = 0

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [v for k, v in attrs if k in ("src", "href") or k.startswith("on")]
        self.titles += any(k == "title" for k, _ in attrs)


def test_hostile_text_is_inert(study, tmp_path):
    hostile = '</div><script>alert(1)</script><img src=x onerror="a()">\u202egnihton {{ 7*7 }}'
    page = tmp_path / "page.html"
    found = trace(study, question=hostile, answer=hostile, page=page)
    assert found.page == str(page)
    text = page.read_text("utf-8")
    reader = _Reader()
    reader.feed(text)
    assert "script" not in reader.tags
    assert "img" not in reader.tags
    assert reader.loads == []
    assert "\u202e" not in text
    assert "⟨U+202E⟩" in text
    assert "{{ 7*7 }}" in text
    assert "script-src 'none'" in unescape(text)
    assert reader.titles == len(found.change.tokens)


def test_a_page_says_what_is_absent(study):
    whole = trace(study, question=QUESTION, answer=ANSWER)
    bare = msgspec.structs.replace(
        whole,
        change=None,
        change_absent="no weights",
        influence_absent="no gradients",
        samples=tuple(
            msgspec.structs.replace(s, alignment=None, alignment_rank=None) for s in whole.samples
        ),
    )
    text = render(bare)
    assert "What tuning changed is not known: no weights." in text
    assert "Which samples pushed the model this way is not known: no gradients." in text
    assert "closest to it in wording" in text
    assert render(whole) == render(whole)
    assert "whose training pushes most towards this answer" in render(whole)


def test_the_command(study, traced_study, capsys):
    from click.testing import CliRunner

    from mores.cli import mores

    ran = CliRunner().invoke(
        mores, ["trace", str(traced_study), "--question", QUESTION, "--answer", ANSWER, "--json"]
    )
    assert ran.exit_code == 0, ran.output
    document = json.loads(ran.stdout)
    assert document["schema"] == "mores/trace/1"
    assert document["result"]["answer"] == ANSWER
    ran = CliRunner().invoke(
        mores, ["trace", str(traced_study), "--question", QUESTION, "--answer", ANSWER]
    )
    assert ran.exit_code == 0, ran.output
    assert "This does not show that they caused it" in " ".join(ran.stdout.split())
    assert "more likely than base:" in ran.stdout


def test_the_figures_that_are_printed_are_those_of_the_docs():
    page = (Path(__file__).parents[2] / "docs" / "trace.md").read_text("utf-8")
    said = re.search(r"Spearman ([\d.]+), 95 % (\S+) to ([\d.]+)", MEASURED)
    assert said is not None
    assert f"| alignment | {said[1]} | {said[2]} to {said[3]} |" in page
    first, second = re.findall(r"(\d) times of (\d)", MEASURED)
    assert f"among the first five | {first[0]} of {first[1]} " in page
    assert f"among the first five | {second[0]} of {second[1]} " in page
