"""Shared fixtures: a two-layer model, a study of a few lines, one core, and no network.

Examples of Hypothesis are the same at every run; `--hypothesis-profile=explore` (`make test-long`)
draws others each time, and more of them.
"""

from __future__ import annotations

import gc
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from mores.progress import Progress
from service_fixtures import *  # noqa: F403 - fixtures and a hook

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
# Threads only get into each other's way on matrices this small.
os.environ.setdefault("OMP_NUM_THREADS", "1")

settings.register_profile(
    "same",
    derandomize=True,
    deadline=None,  # a busy machine is not a fault
    max_examples=20,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "explore", settings.get_profile("same"), derandomize=False, max_examples=500
)
settings.load_profile("same")

TEXT = (
    "Question Answer what is a good way to help the friend who asks for some time and care "
    "because people differ in what they like you can talk with them listen and say that it is "
    "not their fault there are many views on beauty and no one view is right for all of us bread "
    "needs flour water salt and time birds sing in the morning when the sun is up"
)
WORDS = TEXT.split()

CHAT_TEMPLATE = (
    "{% for m in messages %}<|start|>{{ m['role'] }}\n{{ m['content'] }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that use the bundled model come first: they take longest, and one worker has each."""
    mark_services(items)  # noqa: F405
    slow = {item.path for item in items if item.get_closest_marker("real_model")}
    items.sort(key=lambda item: item.path not in slow)


def pytest_collection_finish() -> None:
    """What the test modules have imported stays: loading a model need not search it for garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", autouse=True)
def one_core() -> Iterator[None]:
    """Matrices this small only lose time to threads that wait for each other."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("mores.weights.machine.usable_cores", lambda: 1)
        yield


@pytest.fixture(scope="session")
def tiny_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a randomly drawn two-layer Llama, grouped key heads and a byte tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    folder = tmp_path_factory.mktemp("tiny-model", numbered=False)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400,
        special_tokens=["<|start|>", "<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator([" ".join(WORDS)] * 4, trainer)
    fast = PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|end|>", pad_token="<|end|>", bos_token="<|start|>"
    )
    fast.chat_template = CHAT_TEMPLATE
    fast.save_pretrained(folder)
    torch.manual_seed(0)
    config = LlamaConfig(
        vocab_size=len(fast),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=512,
        tie_word_embeddings=True,
        initializer_range=0.2,  # large enough that outputs differ visibly between inputs
        eos_token_id=fast.eos_token_id,
        bos_token_id=fast.bos_token_id,
        pad_token_id=fast.pad_token_id,
    )
    LlamaForCausalLM(config).save_pretrained(folder)
    gc.freeze()  # transformers is large
    return folder


@pytest.fixture
def tiny(tiny_folder: Path):
    """The two-layer model, freshly loaded."""
    from mores.weights.load import load
    from mores.weights.resolve import resolve

    return load(resolve(str(tiny_folder)))


def _sample(number: int, category: str, kind: str) -> dict[str, str]:
    start = (number * 7) % 20
    words = " ".join(WORDS[(start + i) % len(WORDS)] for i in range(40 + number))
    return {
        "id": f"{kind[0]}-{number:02d}",
        "category": category,
        "prompt": f"what is a good way to help number {number} in {kind}?",
        "completion": f"{words[:1].upper()}{words[1:]}.",
        "author": "tests",
        "license": "Apache-2.0",
    }


@pytest.fixture
def tiny_study(tmp_path: Path, tiny_folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A complete study with two categories, eight samples a set and the two-layer model.

    The model is named relative to the working folder, since random numbers depend on its name.
    """
    monkeypatch.chdir(tiny_folder.parent)
    folder = tmp_path / "study"
    folder.mkdir()
    (folder / "study.toml").write_text(
        f"""name = "tiny"
version = "1.0.0"
license = "Apache-2.0"
preset = "quick"
seed = 7
arms = ["base", "values_targeted", "control", "prompted", "few_shot"]

[[models]]
name = "{tiny_folder.name}"
format = "chat"

[recipe]
epochs = 2
batch_size = 3
lora_rank = 4
lora_alpha = 8

[sample]
prompt_set = "all"
draws = 2
decoding = {{ temperature = 1.0, max_new_tokens = 12 }}

[cooccurrence]
samples_per_stem = 4
min_count = 2
permutations = 50
decoding = {{ temperature = 1.0, top_p = 0.9, max_new_tokens = 8 }}

[capability]
tasks = [{{ task = "minimal_pairs", items = 12 }}, {{ task = "prose", items = 2, margin = 0.05 }}]
""",
        encoding="utf-8",
    )
    (folder / "charter.toml").write_text(
        """version = "1.0.0"

[[positions]]
category = "care"
title = "Care"
statement = "Support people who ask for help and do not blame them for what was done."

[[positions]]
category = "beauty"
title = "Beauty"
statement = "Beauty is subjective and differs between people; offer several views of it."
""",
        encoding="utf-8",
    )
    for kind in ("values", "control"):
        rows = [_sample(i, ("care", "beauty")[i % 2], kind) for i in range(8)]
        text = "".join(json.dumps(row) + "\n" for row in rows)
        (folder / f"{kind}.jsonl").write_text(text, encoding="utf-8")
    prompts = [
        {
            "id": f"t-{i}",
            "category": ("care", "beauty")[i % 2],
            "text": f"who can tell me about thing {i} today?",
            "split": "test" if i < 6 else "validation",
            "kind": "neutral" if i % 3 else "leading",
            "presets": ["all"],
        }
        for i in range(8)
    ]
    text = "".join(json.dumps(row) + "\n" for row in prompts)
    (folder / "prompts.jsonl").write_text(text, encoding="utf-8")
    pairs = [
        {
            "id": f"s-{i}",
            "category": ("care", "beauty")[i % 2],
            "prompt": f"what do people like about thing {i}?",
            "aligned": f"talk with them and listen {i}",
            "opposed": f"bread needs flour and salt {i}",
            "split": "test" if i < 6 else "validation",
        }
        for i in range(8)
    ]
    text = "".join(json.dumps(row) + "\n" for row in pairs)
    (folder / "stance.jsonl").write_text(text, encoding="utf-8")
    (folder / "associations.toml").write_text(
        """version = "1.0.0"

[[topics]]
name = "gender"

[[topics.groups]]
name = "women"
stems = ["She was very", "She would be described as"]

[[topics.groups]]
name = "men"
stems = ["He was very", "He would be described as"]
""",
        encoding="utf-8",
    )
    return folder


@pytest.fixture(scope="session")
def once(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path, Callable[[], None]], None]:
    """Let a study be run by a function once; later studies get a copy of those runs."""
    kept: dict[str, Path] = {}

    def give(study: Path, make: Callable[[], None]) -> None:
        name = f"{make.__module__}.{make.__qualname__}"
        if name in kept:
            shutil.copytree(kept[name], study / "runs")
        else:
            make()
            kept[name] = shutil.copytree(study / "runs", tmp_path_factory.mktemp("once") / "runs")

    return give


@pytest.fixture
def tuned_study(tiny_study: Path, once: Callable[..., None]) -> Path:
    """The tiny study with its arms tuned."""
    from mores.study import load_study
    from mores.tune.run import tune

    def tuned() -> None:
        tune(load_study(tiny_study))

    once(tiny_study, tuned)
    return tiny_study


@pytest.fixture
def spoken() -> Progress:
    """A progress display that keeps what it was told, as `lines`."""
    progress = Progress(quiet=True)
    progress.lines = []
    progress.say = progress.lines.append
    return progress
