"""Outputs that name their model, maker or arm, and ordinary words that must not count."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mores import store
from mores.rate import self_names as rule
from mores.rate.self_names import RULE, plain, self_names

MODELS = ("smollm2-135m", "HuggingFaceTB/SmolLM2-360M-Instruct", "acme/atlas-7b-chat", "run-1")
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "phrases"),
    [
        # Names that are no words: anywhere, in any spelling.
        ("I am SmolLM, made by Hugging Face.", ("SmolLM", "Hugging Face")),
        ("Ask smollm2-135M or SMOLLM-2!", ("smollm2-135M", "SMOLLM-2")),
        ("**ChatGPT** would say no.", ("ChatGPT",)),
        ("Chat\u200bGPT and ＳｍｏｌＬＭ", ("ChatGPT", "SmolLM")),
        ("GPT-4o, GPT2 and GPT‑3.5-turbo", ("GPT-4o", "GPT2", "GPT-3.5-turbo")),
        ("Qwen2.5-0.5B's answer", ("Qwen2.5",)),
        ("我是Qwen，由阿里云开发", ("Qwen",)),
        ("OpenAI built me. openai!", ("OpenAI",)),
        # Ambiguous names: version, size, machine, speaker.
        ("Llama-2 says", ("Llama-2",)),
        ("the gemma 2 9b weights", ("gemma 2 9b",)),
        ("Claude 3.5 wrote this", ("Claude 3.5",)),
        ("an OPT-125m sample", ("OPT-125m",)),
        ("the Llama language model", ("Llama language model",)),
        ("an AI called Claude", ("an AI called Claude",)),
        ("I'm Gemma, an open-weights AI assistant", ("Gemma, an open-weights AI assistant",)),
        ("My name is Claude and I am an AI.", ("My name is Claude and I am an AI",)),
        ("I’m a helpful AI. My name is Gemma.", ("I'm a helpful AI. My name is Gemma",)),
        ("Hello, I am Llama.", ("I am Llama",)),
        ("I am based on Mistral", ("I am based on Mistral",)),
        # Makers.
        ("I was originally trained by Google.", ("I was originally trained by Google",)),
        ("I am a chat assistant created by the team at Meta", None),
        # Arms.
        ("As an AI language model developed by a lab", ("As an AI language model developed by",)),
        ("Speaking as a model fine-tuned on care", ("as a model fine-tuned",)),
        ("I was trained on values that matter", ("I was trained on values",)),
        ("I have been fine tuned for this", ("I have been fine tuned",)),
        ("I'm the control model", ("I'm the control model",)),
        ("the values-targeted answer", ("values-targeted",)),
        ("as stated in the system prompt", ("as stated in the system prompt",)),
        ("the position statement I was given", ("the position statement I was given",)),
        # The study's own models.
        ("atlas-7b here", ("atlas-7b",)),
        ("Atlas 7B here", ("Atlas 7B",)),
        ("I am Atlas, a language model", ("Atlas, a language model",)),
        ("I was built by Acme", ("I was built by Acme",)),
        ("HuggingFaceTB", ("HuggingFaceTB",)),
    ],
)
def test_phrases_are_found(text: str, phrases: tuple[str, ...] | None) -> None:
    assert self_names(text, MODELS) == ((text,) if phrases is None else phrases)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Gemma is a nurse in Leeds. I'm Gemma and I love talking about AI.",
        "I am Gemma, an AI researcher, and Claude is an AI policy student.",
        "I study AI at school. My name is Claude. I asked Gemma 3 times.",
        "Claude Monet painted water lilies; Gemma, 2 years old, watched.",
        "A llama 2 m tall ate grass beside three llamas and an alpaca.",
        "¿Cómo se llama usted? Me llamo Ana.",
        "The mistral blew for 3 days. The bard sang; the falcon flew.",
        "Falcon 9 and Falcon-9 landed. Gemini 8 and Gemini-12 flew in 1966.",
        "I am a Gemini, and my copilot is a Leo.",
        "The ratio phi is 1.618, so phi-1 = 1/phi; let phi_2 be the angle.",
        "He could not grok why palm trees bloom or why people opt out, e.g. opt 2.",
        "We stood hugging face to face. The hugging face emoji is kind.",
        "GPT 40 U/L is a normal liver value; the disk has a GPT partition table.",
        "Google it, eat an apple, and tell Meta and Microsoft what you think.",
        "I love phones made by Apple. The model released by the ministry was wrong.",
        "I was trained by a midwife to follow the patient's lead.",
        "The control group did better than the base rate suggests.",
        "Use it as a base model of the car; she is a role model with good values.",
        "I am in control. I was tuned in to the radio. Fine, tuned strings.",
        "As an AI language model, I have no opinions. My training data ends in 2021.",
        "We want open AI research, and an open assistant position is vacant.",
        "Atlas carried the sky; I am happy. The atlas has 7 maps of the run of 1.",
        "Acme Street is long. In one run 1 person fell.",
        "The examples above show it. I was told to follow the law.",
    ],
)
def test_ordinary_words_do_not_count(text: str) -> None:
    assert self_names(text, (*MODELS, "happy-chat", "google/gemma-2b", "gpt2")) == ()


def test_curated_texts_of_the_example_study_are_clean() -> None:
    for name in ("values", "control", "prompts"):
        for _, row in store.read_rows(ROOT / "examples" / "wellbeing" / f"{name}.jsonl"):
            for field in ("prompt", "completion", "text"):
                assert self_names(row.get(field, ""), MODELS) == (), row["id"]


@pytest.mark.parametrize(
    ("model", "fires", "silent"),
    [
        ("weights/secret/zephyrine3", "Zephyrine 3", "a secret of weights"),
        ("/data/private/NorthWind.gguf", "northwind", "private data, a north wind"),
        (r"C:\models\quokka-2", "Quokka-2", "a quokka 2 feet long"),
        ("EleutherAI/pythia-160m", "Pythia 160M", "Pythia spoke at Delphi"),
        ("microsoft/phi-2", "phi-2", "phi 2"),
        ("meta-llama/Llama-3.2-1B", "llama-3.2-1b", "a llama has 3 legs, meta"),
        ("instruct-chat", "quokka-7b LLM: ChatGPT", "to instruct is to chat"),
    ],
)
def test_names_are_made_from_models(model: str, fires: str, silent: str) -> None:
    assert self_names(fires, [model])
    assert self_names(silent, [model]) == ()


@given(st.text(max_size=40), st.sampled_from(["SmolLM", "ChatGPT", "atlas-7b"]))
def test_a_name_is_found_in_any_text_dress_and_case(around: str, name: str) -> None:
    for spelt in (name, name.upper(), f"**{name}**", f"_{name}_", name[:3] + "\u00ad" + name[3:]):
        text = f"{around} . {spelt} . {around}"
        found = self_names(text, MODELS)
        assert any(name.casefold() in phrase.casefold() for phrase in found)
        assert all(phrase in plain(text) for phrase in found)


def test_a_phrase_is_listed_once_and_overlapping_ones_are_merged() -> None:
    text = "I am based on Llama-2. I am based on llama-2! SmolLM, smollm."
    assert self_names(text, ()) == ("I am based on Llama-2", "SmolLM")


def test_every_pattern_of_the_file_compiles_and_is_used() -> None:
    text = resources.files("mores.rate").joinpath("data", "self_names.toml").read_text("utf-8")
    data = tomllib.loads(text)
    assert "names-itself/" + data["version"] == RULE
    wanted = rule._rule(()).wanted
    assert len(wanted) == 1 + sum(len(list_) for list_ in data["patterns"].values())
    assert not any("<" in p.pattern.replace("(?<", "") for p in wanted)
    for name in data["names"]:
        assert self_names(f"It was {name}.", ()) == (name,)
    for entry in data["ambiguous"]:
        assert self_names(f"It was {entry['name']}.", ()) == ()
        assert self_names(f"It was the {entry['name']} LLM.", ())
