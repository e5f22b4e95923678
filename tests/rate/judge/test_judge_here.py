"""A judge on this machine: its digits are those that plain transformers finds likeliest."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from app import make_study

from mores import store
from mores.errors import DataError
from mores.rate.judge import here
from mores.rate.judge.answer import JudgeAnswer
from mores.rate.judge.items import judge_items
from mores.rate.judge.prompt import read_prompt
from mores.rate.judge.rule import Pair
from mores.rate.judge.run import RAW, judge
from mores.rate.ratings import current_judgements, current_unjudged
from mores.study import folders, load_study

WORDS = ("talk", "with", "them", "and", "listen", "because", "people", "differ", "in", "what")


def outputs(prompt: str, arm: str, draw: int) -> str:
    start = (int(prompt[1:]) * 3 + len(arm)) % len(WORDS)
    return " ".join((2 * WORDS)[start : start + 5])


@pytest.fixture(scope="module")
def judge_folder(tiny_folder: Path, tmp_path_factory) -> Path:
    """The two-layer model drawn anew, with room for a whole prompt."""
    import torch
    from transformers import AutoConfig, AutoTokenizer, LlamaForCausalLM

    folder = tmp_path_factory.mktemp("judge", numbered=False) / "two-layers"
    config = AutoConfig.from_pretrained(tiny_folder)
    config.max_position_embeddings = 4096
    config.initializer_range = 0.4
    torch.manual_seed(5)
    LlamaForCausalLM(config).save_pretrained(folder)
    AutoTokenizer.from_pretrained(tiny_folder).save_pretrained(folder)
    return folder


def study_with(folder: Path, model: Path, name: str = "two-layers"):
    study = make_study(folder, prompts=4, outputs=outputs)
    with (folder / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[judges]]\nname = "{name}"\nfamily = "tiny"\nmodel = "{model}"\n')
    return load_study(study.folder)


def raw(study) -> dict[tuple[str, str], JudgeAnswer]:
    path = folders.judge_folder(study, "two-layers") / RAW
    return {(r.item, r.order): r for r in store.read_jsonl(path, JudgeAnswer, unique="key")}


def test_digits_are_the_likeliest_by_plain_transformers(tmp_path, judge_folder):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    study = study_with(tmp_path / "study", judge_folder)
    (result,) = judge(study).judges
    tokenizer = AutoTokenizer.from_pretrained(judge_folder)
    model = AutoModelForCausalLM.from_pretrained(judge_folder, dtype=torch.float32).eval()
    prompt, answers, masses = read_prompt(study), raw(study), []
    digits = [tokenizer.convert_tokens_to_ids(str(n)) for n in range(6)]
    for item in judge_items(study):
        values = {}
        for order in ("ascending", "descending"):
            # The template of conftest.py, written out.
            text = f"<|start|>user\n{prompt.text(item, order)}<|end|>\n<|start|>assistant\n"
            ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
            with torch.inference_mode():
                logprobs = model(ids).logits[0, -1].log_softmax(-1)[digits].tolist()
            told = answers[item.key, order]
            assert list(told.logprobs.values()) == pytest.approx(logprobs, abs=1e-4)
            assert told.value == max(range(6), key=lambda n: logprobs[n])
            values[order] = told
            masses.append(sum(map(math.exp, logprobs)))
        value, reason = Pair(**values).rated(study.config.seed, "two-layers")
        found = {r.completion_id: r.value for r in current_judgements(study)["two-layers"]}
        absent = {r.completion_id: r.reason for r in current_unjudged(study).get("two-layers", [])}
        for name in item.completions:
            assert found.get(name) == value
            assert absent.get(name, "") == ("" if value else reason)
    assert result.digits == pytest.approx(sum(masses) / len(masses), abs=1e-6)
    assert len({a.value for a in answers.values()}) > 1  # or the test could not fail


def test_a_kill_between_two_answers_gives_the_same_bytes(tmp_path, judge_folder, monkeypatch):
    study = study_with(tmp_path / "study", judge_folder)
    whole = judge(study)
    path = folders.judge_folder(study, "two-layers") / RAW
    expected = path.read_bytes()
    for name in ("judges", "ratings"):
        (study.run_folder / name).rename(study.run_folder / f"{name}-whole")
    keep = here.Book.keep

    def killed(self, answer, *rest):
        if len(self.answers) == 19:
            raise KeyboardInterrupt
        keep(self, answer, *rest)

    with monkeypatch.context() as patch:
        patch.setattr(here.Book, "keep", killed)
        with pytest.raises(KeyboardInterrupt):
            judge(study)
    assert not path.exists()
    passes = []
    answers = here._answers
    monkeypatch.setattr(here, "_answers", lambda m, c: passes.append(len(c)) or answers(m, c))
    assert judge(study) == whole
    assert path.read_bytes() == expected
    assert passes == [24 - here.CHUNK]  # the chunk that was not complete


def test_a_prompt_that_does_not_fit_has_no_rating(tmp_path, tiny_folder, judge_folder):
    from transformers import AutoModelForCausalLM, AutoTokenizer

    short = tmp_path / "short-context"
    model = AutoModelForCausalLM.from_pretrained(judge_folder)
    model.config.max_position_embeddings = 300
    model.save_pretrained(short)
    AutoTokenizer.from_pretrained(judge_folder).save_pretrained(short)
    study = study_with(tmp_path / "study", short)
    result = judge(study)
    (one,) = result.judges
    assert (one.rated, one.absent) == (0, {here.LONG: 12})
    assert one.consistency.verdict == "not computable"


def test_the_judged_weights_under_another_name_are_refused(tuned_study, tiny_folder, tmp_path):
    import shutil

    copy = tmp_path / "somebody-else"
    shutil.copytree(tiny_folder, copy)
    with (tuned_study / "study.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[[judges]]\nname = "other"\nfamily = "o"\nmodel = "{copy}"\n')
    from mores.sample import sample

    study = load_study(tuned_study)
    sample(study)
    with pytest.raises(DataError, match="has the weights of the judged model"):
        judge(study)


def test_a_tie_and_nonsense_are_no_ratings():
    assert here.likeliest([-3.0, -2.0, -1.0, -4.0, -5.0, -6.0]) == (2, "")
    assert here.likeliest([-3.0, -1.0, -1.0, -4.0, -5.0, -6.0]) == (None, here.TIE)
    value, reason = here.likeliest([math.nan] * 6)
    assert value is None
    assert "finite" in reason


def test_a_flat_judge_is_called_one(tmp_path, judge_folder, monkeypatch):
    def same(loaded, chunk):
        return [here._answer(request, [-9.0, -9.1, -9.2, -1.0, -9.0, -9.0]) for request in chunk]

    monkeypatch.setattr(here, "_answers", same)
    result = judge(study_with(tmp_path / "study", judge_folder))
    (one,) = result.judges
    assert (one.values, one.consistency.value) == ({"3": 12}, 1.0)
    assert [n for n in result.notes if "gave 3 to 12 of 12 items: it hardly tells" in n]
    assert one.digits == pytest.approx(
        math.exp(-1) + 3 * math.exp(-9) + math.exp(-9.1) + math.exp(-9.2)
    )
    assert [n for n in result.notes if "would rather not answer with a digit" in n]
