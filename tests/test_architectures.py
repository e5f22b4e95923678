"""Every architecture gives the numbers of plain transformers, however it is run here.

Each test is a line of the table in docs/models.md and holds the line against what it finds;
`make models-table` writes the lines.
"""

from __future__ import annotations

import os
import re
import shutil
from pathlib import Path

import pytest
import torch

from architectures import ARCHITECTURES, write
from mores.records import Decoding, Recipe
from mores.sample.decoder import Decoder
from mores.sample.requests import Request
from mores.sample.weights import arm_in_place, mixes, weights_in_place
from mores.study.arms import ArmKey
from mores.tune.adapters import save_tuned
from mores.tune.encode import EncodedSample
from mores.tune.loop import fit
from mores.tune.reach import adapted, describe
from mores.weights.attention import Layout, Tree
from mores.weights.load import load
from mores.weights.probe import gap
from mores.weights.quiet import quiet
from mores.weights.resolve import resolve

PAGE = Path(__file__).parent.parent / "docs" / "models.md"
CLOSE = 2e-4
"""Largest gap of logits in float32, relative to the largest logit."""
GREEDY = Decoding(temperature=0.0, max_new_tokens=10)
RECIPE = Recipe(epochs=2, batch_size=2, learning_rate=0.01, lora_rank=2, lora_alpha=4, warmup=0.0)
ARM, BASE = ArmKey("values_targeted", 1), ArmKey("base", 0)


def tokens(count: int, seed: int) -> list[int]:
    drawn = torch.randint(10, 390, (count,), generator=torch.Generator().manual_seed(seed))
    return drawn.tolist()


@pytest.fixture(autouse=True)
def _quiet():
    with quiet():
        yield


def plain(folder: Path):
    from transformers import AutoModelForCausalLM

    return AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()


@torch.no_grad()
def alone(model, text) -> torch.Tensor:
    """Logits of one text in one pass, without a cache."""
    return model(input_ids=torch.tensor([text]), use_cache=False).logits[0]


@torch.no_grad()
def ours(loaded, text) -> torch.Tensor:
    return loaded.logits(loaded.hidden(torch.tensor(text), Layout.of([len(text)]))).cpu()


@torch.no_grad()
def check_reading(loaded, model) -> None:
    """Texts side by side, and a prefix with branches, all longer than the attention windows."""
    one, prefix, first, second = (tokens(n, n) for n in (23, 9, 4, 14))
    layout = Layout((Tree(23), Tree(9, (4, 14))))
    found = loaded.logits(loaded.hidden(torch.tensor([*one, *prefix, *first, *second]), layout))
    expected = [alone(model, one), alone(model, prefix + first), alone(model, prefix + second)[9:]]
    assert gap(torch.cat(expected), found.cpu()) < CLOSE


def greedy(model, text, ends) -> list[int]:
    """What greedy decoding gives, each token from a whole pass."""
    text, start = list(text), len(text)
    for _ in range(GREEDY.max_new_tokens):
        token = int(alone(model, text)[-1].argmax())
        if token in ends:
            break
        text.append(token)
    return text[start:]


PROMPTS = [tokens(n, 50 + n) for n in (9, 4, 17)]


def requests(*keys) -> list[Request]:
    return [
        Request(key, f"p{i}", "c", 0, tuple(text)) for key in keys for i, text in enumerate(PROMPTS)
    ]


def drawn(loaded, *keys) -> list[list[int]]:
    rows = Decoder(loaded).draw(requests(*keys), GREEDY, 3)
    return [list(row.ids) for row in rows]


def samples() -> list[EncodedSample]:
    return [EncodedSample(f"s{n}", tuple(tokens(n, n)), n // 2) for n in (12, 19, 7)]


def check_lora(fresh, folder: Path, base_folder: Path) -> tuple[str, bool]:
    """What is trained is what PEFT reads from the file, and what is sampled from."""
    from peft import PeftModel

    loaded = fresh()
    fit(loaded, samples(), RECIPE, seed=1)
    layers = adapted(loaded.model)
    assert "router" not in describe(loaded).split(";")[0]
    save_tuned(loaded, RECIPE, folder, "tiny")
    text = tokens(15, 4)
    trained, before = ours(loaded, text), alone(plain(base_folder), text)
    assert gap(before, trained) > 1e-3
    theirs = PeftModel.from_pretrained(plain(base_folder), folder)
    assert gap(alone(theirs, text), trained) < CLOSE
    loaded, tuned = fresh(), {ARM.weights: folder}
    with arm_in_place(loaded, tuned, ARM.weights):
        assert gap(trained, ours(loaded, text)) < CLOSE
    assert gap(before, ours(loaded, text)) < CLOSE
    mixed = mixes(loaded, tuned)
    expected = [greedy(theirs, p, loaded.ends) for p in PROMPTS]
    if mixed:
        with weights_in_place(loaded, tuned, {ARM.weights, "base"}):
            assert drawn(loaded, ARM, BASE)[:3] == expected
    else:
        with weights_in_place(loaded, tuned, {ARM.weights}):
            assert drawn(loaded, ARM) == expected
    last = {name.rpartition(".")[2] for name in layers.layers if not name[-1].isdigit()}
    return ", ".join([*sorted(last), *layers.experts]), mixed


def check_full(fresh, folder: Path) -> None:
    """All weights can be trained, and other tools read the folder."""
    loaded = fresh()
    recipe = Recipe(**{**_fields(RECIPE), "method": "full", "epochs": 1, "learning_rate": 1e-3})
    fit(loaded, samples(), recipe, seed=1)
    save_tuned(loaded, recipe, folder, "tiny")
    text = tokens(15, 4)
    assert gap(alone(plain(folder), text), ours(loaded, text)) < CLOSE


def _fields(record) -> dict:
    import msgspec

    return msgspec.structs.asdict(record)


def line(name: str, loaded, layers: str, mixed: bool) -> str:
    way = loaded.way
    how = "one row" if way.flat else f"plain, {way.steps}"
    arms = "together" if mixed else "one by one"
    return f"| `{name}` | {how} | {way.why or '—'} | {arms} | {layers} |"


def check_page(name: str, found: str) -> None:
    text = PAGE.read_text()
    if os.environ.get("MORES_WRITE_DOCS"):
        row = re.compile(rf"^\| `{name}` \|.*\n", re.MULTILINE)
        if row.search(text):
            text = row.sub(lambda _: f"{found}\n", text)
        else:
            text = text.replace("\n<!-- end of table -->", f"{found}\n\n<!-- end of table -->")
            text = text.replace("|\n\n| `", "|\n| `")
        PAGE.write_text(text)
    assert found in text, "docs/models.md is not up to date: make models-table"


EVERY = [
    name if n % 6 == 0 else pytest.param(name, marks=pytest.mark.long)
    for n, name in enumerate(sorted(ARCHITECTURES))
]
"""A sixth of them at every run; all in `make test-long` and `make models-table`."""


@pytest.mark.parametrize("name", EVERY)
def test_an_architecture_is_run_as_plain_transformers_runs_it(name, tiny_folder, tmp_path):
    folder = write(tiny_folder, tmp_path / "model", name)

    def fresh():
        return load(resolve(str(folder)))

    loaded, model = fresh(), plain(folder)
    check_reading(loaded, model)
    assert drawn(loaded, BASE) == [greedy(model, p, loaded.ends) for p in PROMPTS]
    layers, mixed = check_lora(fresh, tmp_path / "adapter", folder)
    check_full(fresh, tmp_path / "full")
    check_page(name, line(name, loaded, layers, mixed))
    shutil.rmtree(tmp_path)


def test_a_study_runs_on_a_hybrid_and_draws_what_plain_transformers_draws(
    tiny_study, tiny_folder, tmp_path
):
    """Through the public steps: tune, sample greedily, and hold answers against ``generate``."""
    from peft import PeftModel

    from mores.sample.run import sample
    from mores.study import load_study
    from mores.tune.run import tune
    from mores.weights.prompt import encode_prompt

    folder = write(tiny_folder, tmp_path / "hybrid", "qwen3_5_text")
    text = (tiny_study / "study.toml").read_text()
    text = text.replace(f'name = "{tiny_folder.name}"', f'name = "{folder}"')
    text = text.replace("temperature = 1.0", "temperature = 0.0")
    text = text.replace("[recipe]", '[recipe]\ndtype = "float32"')
    (tiny_study / "study.toml").write_text(text)
    study = load_study(tiny_study)
    arms = {arm.key.name: arm.folder for arm in tune(study)}
    completions = sample(study)
    found = {(c.arm, c.seed, c.prompt_id): c for c in completions if c.draw == 0}
    prompts = {p.id: p.text for p in study.chosen_prompts}
    checked = 0
    for name, adapter in {"base": None, **arms}.items():
        loaded = load(resolve(str(folder)))
        model = PeftModel.from_pretrained(plain(folder), adapter) if adapter else plain(folder)
        for c in found.values():
            own = f"{c.arm}-s{c.seed}" if c.arm in ("values_targeted", "control") else c.arm
            if own != name:
                continue
            ids = encode_prompt(loaded.tokenizer, "chat", prompts[c.prompt_id])
            out = model.generate(
                input_ids=torch.tensor([ids]),
                attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                do_sample=False,
                max_new_tokens=12,
                eos_token_id=sorted(loaded.ends),
                pad_token_id=loaded.eos,
            )[0, len(ids) :]
            expected = loaded.tokenizer.decode(out.tolist(), skip_special_tokens=True).strip()
            assert c.text == expected
            checked += 1
    assert checked == 3 * len(prompts)
