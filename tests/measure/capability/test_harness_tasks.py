"""Tasks of the harness: what is drawn, what a value is, and what is refused."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
from harness_files import rows, write_task

from mores.errors import DataError, MeasureError
from mores.measure.capability.harness import score_harness
from mores.measure.capability.harness_room import offline
from mores.measure.capability.tasks import load_task


def load(path: Path, **how):
    return load_task(f"harness:{path}", **how)


def test_items_show_what_is_asked(tmp_path: Path) -> None:
    task = load(write_task(tmp_path, "choice"))
    first = rows("choice")[0]
    assert task.name == "choice"
    assert task.items[0].context == f"Question: {first['question']}\nAnswer:"
    assert task.items[0].choices == tuple(f" {c}" for c in first["choices"])
    assert task.items[0].gold == first["gold"]
    chance = [1 / len(row["choices"]) for row in rows("choice")]
    assert task.chance == pytest.approx(sum(chance) / len(chance))
    assert (task.metric, task.kind, task.value.key) == ("accuracy", "harness", "acc,none")


@pytest.mark.parametrize(
    ("form", "label", "key"),
    [
        ("last_word", "accuracy", "acc,none"),  # not perplexity, which is better lower
        ("prose", "bits per byte", "bits_per_byte,none"),
        ("answer", "exact_match", "exact_match,none"),
    ],
)
def test_the_value_of_an_item(tmp_path: Path, form: str, label: str, key: str) -> None:
    task = load(write_task(tmp_path, form))
    assert (task.metric, task.value.key, task.chance) == (label, key, None)


def test_drawing_needs_the_seed_alone(tmp_path: Path) -> None:
    path = write_task(tmp_path, "choice")
    first, again, other = (load(path, items=5, seed=s) for s in (1, 1, 2))
    assert first.items == again.items
    assert first.digest == again.digest != other.digest
    assert [i.id for i in first.items] == sorted({i.id for i in first.items}, key=int)
    assert load(path, items=99).drawn == {}
    everything = {i.id: i for i in load(path).items}
    assert all(everything[i.id] == i for i in first.items)


def test_a_group_is_one_task(tmp_path: Path, tiny) -> None:
    write_task(tmp_path, "choice")
    write_task(tmp_path, "last_word")
    group = tmp_path / "both.yaml"
    group.write_text(json.dumps({"group": "both", "task": ["local_choice", "local_last_word"]}))
    task = load(group, items=9, seed=4)
    names = {item.id.partition("/")[0] for item in task.items}
    assert names == {"local_choice", "local_last_word"}
    assert task.chance is None
    results = score_harness(tiny, task)
    assert [r.item_id for r in results] == [item.id for item in task.items]
    assert all(r.value in (0.0, 1.0) for r in results)


def test_no_numbers_no_value(tmp_path: Path, tiny) -> None:
    import torch

    task = load(write_task(tmp_path, "choice"))
    with torch.no_grad():
        tiny.model.get_output_embeddings().weight.fill_(float("nan"))
    results = score_harness(tiny, task)
    assert {r.value for r in results} == {None}
    assert {r.reason for r in results} == {"the model's log-probability is not a number"}


def test_a_context_that_is_cut_says_so(tmp_path: Path, tiny) -> None:
    long = {"context": "time and care " * 400, "target": "help"}
    data = "".join(json.dumps(row) + "\n" for row in (long, *rows("target")[:2]))
    results = score_harness(tiny, load(write_task(tmp_path, "last_word", data=data)))
    assert [bool(r.reason) for r in results] == [True, False, False]
    assert results[0].value is not None
    assert "cut" in results[0].reason


def test_the_model_is_given_back_as_it_was(tmp_path: Path, tiny) -> None:
    import torch

    from mores.weights import attention

    torch.manual_seed(9)
    expected = torch.rand(3)
    torch.manual_seed(9)
    padding = tiny.tokenizer.padding_side
    score_harness(tiny, load(write_task(tmp_path, "answer")))
    assert tiny.model.config._attn_implementation == attention.NAME
    assert tiny.tokenizer.padding_side == padding
    assert torch.equal(torch.rand(3), expected)


def test_offline_by_default_and_back(monkeypatch: pytest.MonkeyPatch) -> None:
    import datasets
    import huggingface_hub

    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    with offline():
        assert datasets.config.HF_HUB_OFFLINE
        assert huggingface_hub.constants.HF_HUB_OFFLINE
    assert not datasets.config.HF_HUB_OFFLINE
    monkeypatch.setenv("MORES_HARNESS_HUB", "1")
    with offline():
        assert not huggingface_hub.constants.HF_HUB_OFFLINE


# Refusals ----------------------------------------------------------------------------------


def test_the_extra_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    from importlib import metadata

    def absent(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", absent)
    with pytest.raises(MeasureError, match=r"pip install 'mores\[capability\]'"):
        load_task("harness:arc_easy")


def test_unknown_name(monkeypatch: pytest.MonkeyPatch) -> None:
    names = ["arc_easy", "piqa"]
    known = SimpleNamespace(task_index=dict.fromkeys(names), all_tasks=names)
    monkeypatch.setattr("mores.measure.capability.harness_tasks._known", lambda: known)
    with pytest.raises(DataError, match="no task 'arc_eazy'; did you mean 'arc_easy'"):
        load_task("harness:arc_eazy")


def test_data_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MORES_HARNESS_HUB", raising=False)
    path = write_task(tmp_path, "choice", dataset_path="nobody/no-such-set", dataset_kwargs={})
    with pytest.raises(DataError, match=r"nobody/no-such-set.*not on this machine") as found:
        load(path)
    assert "MORES_HARNESS_HUB=1" in found.value.fix


def test_damaged_line(tmp_path: Path) -> None:
    data = json.dumps(rows("choice")[0]) + '\n{"question": \n'
    with pytest.raises(DataError, match=r"choice\.jsonl:2: not valid JSON"):
        load(write_task(tmp_path, "choice", data=data))


def test_no_items_no_file_no_yaml(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no items"):
        load(write_task(tmp_path, "choice", data=""))
    (tmp_path / "choice.jsonl").unlink()
    with pytest.raises(DataError, match="no such data file"):
        load(tmp_path / "choice.yaml")
    with pytest.raises(DataError, match="no such task file"):
        load(tmp_path / "absent.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("task: x\ndoc_to_text: [1,\n")
    with pytest.raises(DataError, match=r"broken\.yaml:3: not valid YAML"):
        load(broken)
    broken.write_text("description: nothing\n")
    with pytest.raises(DataError, match="neither a task nor a group"):
        load(broken)


def test_metrics_that_cannot_be_paired(tmp_path: Path) -> None:
    lower = [{"metric": "perplexity", "aggregation": "perplexity", "higher_is_better": False}]
    with pytest.raises(DataError, match="no metric that gives one number an item"):
        load(write_task(tmp_path, "last_word", metric_list=lower))
    path = write_task(tmp_path, "choice")
    with pytest.raises(DataError, match=r"no metric 'acc_nrom'.*did you mean 'acc_norm'"):
        load(path, metric="acc_nrom")
    with pytest.raises(DataError, match="no filter 'strict'"):
        load(path, metric="acc,strict")


def test_what_the_harness_raises_is_told(tmp_path: Path, tiny) -> None:
    with pytest.raises(MeasureError, match=r"could not load it: .*missing_split"):
        load(write_task(tmp_path, "choice", test_split="missing_split"))
    empty = [{"question": "what?", "choices": choices, "gold": 0} for choices in ([" a"], [""])]
    data = "".join(json.dumps(row) + "\n" for row in empty)
    task = load(write_task(tmp_path, "choice", data=data, target_delimiter=""))
    with pytest.raises(DataError, match=r"document 1: an answer is empty"):
        score_harness(tiny, task)


def test_settings_of_the_harness_for_a_task_of_ours() -> None:
    with pytest.raises(DataError, match="metric and shots are for"):
        load_task("minimal_pairs", metric="acc")


def test_our_own_tasks_do_not_load_the_harness() -> None:
    import subprocess

    program = (
        "import sys; from mores.measure.capability.tasks import load_task; load_task('prose'); "
        "sys.exit('lm_eval' in sys.modules or 'datasets' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
