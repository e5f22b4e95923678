"""The prompt format outside of mores: as text, as a chat template, as a template of Ollama."""

from __future__ import annotations

import json
import re

import pytest
from transformers import AutoTokenizer

from mores.errors import ModelError
from mores.records import Decoding
from mores.release.export.prompt_format import (
    QUIETLY,
    begins,
    chat_template,
    pieces,
    prompt_format,
    writer,
)
from mores.release.export.serve import modelfile, vllm_command, vllm_script
from mores.weights.prompt import qa_text
from mores.weights.reader import Reader

CONVERSATIONS = [
    ("Who is it?", "", ()),
    ("Who is it?", "Be kind.", ()),
    ("And then?", "", (("Who?", "Me."), ("Why?", "So."))),
    ("And then?", "Be kind.", (("Who?", "Me."),)),
]
CHATML = (
    "{% for m in messages %}{% if loop.first and m.role != 'system' %}"
    "<|start|>system\nYou are a parrot<|end|>\n{% endif %}"
    "<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant\n{% endif %}"
)
NO_SYSTEM = (
    "{{ bos_token }}{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]"
    "{% elif m.role == 'assistant' %} {{ m.content }}<|end|>{% endif %}{% endfor %}"
)
DECODING = Decoding(temperature=0.7, top_k=40, max_new_tokens=96)


@pytest.fixture
def tokenizer(tiny_folder):
    return AutoTokenizer.from_pretrained(tiny_folder)


def messages(question, system, shots):
    turns = [
        (role, text)
        for shot in shots
        for role, text in zip(("user", "assistant"), shot, strict=True)
    ]
    turns = [*([("system", system)] if system else []), *turns, ("user", question)]
    return [{"role": role, "content": text} for role, text in turns]


def by_ollama(file: str, turns: list[dict[str, str]]) -> str:
    """What Ollama makes of a Modelfile's template: the part of Go's language that is used there."""
    (template,) = re.findall(r'TEMPLATE """(.*?)"""', file, re.DOTALL)
    shape = re.fullmatch(
        r"\{\{ if \.System \}\}(?P<s0>.*?)\{\{ \.System \}\}(?P<s1>.*?)\{\{ else \}\}(?P<head>.*?)"
        r"\{\{ end \}\}\{\{ range \.Messages \}\}\{\{ if eq \.Role \"user\" \}\}\{\{ \.Content \}\}"
        r"(?P<asked>.*?)\{\{ else if eq \.Role \"assistant\" \}\}(?P<lead>.*?)\{\{ \.Content \}\}"
        r"(?P<answered>.*?)\{\{ end \}\}\{\{ end \}\}",
        template,
        re.DOTALL,
    )
    assert shape
    system = "".join(t["content"] for t in turns if t["role"] == "system")
    text = shape["s0"] + system + shape["s1"] if system else shape["head"]
    for turn in turns:
        if turn["role"] == "user":
            text += turn["content"] + shape["asked"]
        elif turn["role"] == "assistant":
            text += shape["lead"] + turn["content"] + shape["answered"]
    return text


@pytest.mark.parametrize(("question", "system", "shots"), CONVERSATIONS)
def test_qa_as_a_chat_template_writes_the_very_text(tokenizer, question, system, shots):
    tokenizer.chat_template = chat_template(tokenizer, "qa")
    text = tokenizer.apply_chat_template(
        messages(question, system, shots), tokenize=False, add_generation_prompt=True
    )
    assert text == qa_text(question, system, shots)


def test_qa_begins_as_the_tokenizer_begins(tokenizer):
    from tokenizers.processors import TemplateProcessing

    assert not begins(tokenizer)
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<|start|> $A", special_tokens=[("<|start|>", 0)]
    )
    assert begins(tokenizer)
    tokenizer.chat_template = chat_template(tokenizer, "qa")
    ids = tokenizer.apply_chat_template([{"role": "user", "content": "Who?"}], return_dict=False)
    assert ids == tokenizer("Question: Who?\nAnswer:")["input_ids"]


def test_the_format_in_words_and_numbers(tokenizer):
    reader = Reader("tiny", tokenizer, ends=frozenset({1}))
    asked = prompt_format(reader, "qa", DECODING)
    assert asked.prompt == "Question: {question}\nAnswer:"
    assert asked.prompt_with_system == "{system}\n\nQuestion: {question}\nAnswer:"
    assert (asked.stop, asked.stop_tokens, asked.stop_token_ids) == (
        ("\nQuestion:",),
        ("<|end|>",),
        (1,),
    )
    chat = prompt_format(reader, "chat", DECODING)
    assert chat.prompt == "<|start|>user\n{question}<|end|>\n<|start|>assistant\n"
    assert (chat.stop, chat.special_tokens_added) == ((), False)


def test_a_template_that_thinks_does_not(tokenizer):
    tokenizer.chat_template = (
        CHATML + "{% if enable_thinking is not defined or enable_thinking %}<think>{% endif %}"
    )
    fixed = chat_template(tokenizer, "chat")
    assert fixed.startswith(QUIETLY)
    text = tokenizer.apply_chat_template(
        [{"role": "user", "content": "Who?"}], chat_template=fixed, tokenize=False
    )
    assert "<think>" not in text


@pytest.mark.parametrize("template", ["qa", None, CHATML, NO_SYSTEM])
def test_ollama_writes_the_very_text(tokenizer, template):
    form = "qa" if template == "qa" else "chat"
    if template and form == "chat":
        tokenizer.chat_template = template
    write = writer(tokenizer, form)
    asked = prompt_format(Reader("tiny", tokenizer, ends=frozenset({1})), form, DECODING)
    file = modelfile("m.gguf", asked, pieces(write), "")
    for question, system, shots in CONVERSATIONS:
        assert by_ollama(file, messages(question, system, shots)) == write(question, system, shots)
    # A token that llama.cpp puts there by itself is not written twice.
    bare = modelfile("m.gguf", asked, pieces(write), "<|start|>")
    once = by_ollama(bare, messages("Who?", "", ()))
    assert once == write("Who?", "", ()).removeprefix("<|start|>")


def test_the_rest_of_a_modelfile(tokenizer):
    asked = prompt_format(Reader("tiny", tokenizer, ends=frozenset({1})), "qa", DECODING)
    file = modelfile("m.gguf", asked, pieces(qa_text), "")
    assert file.startswith("FROM ./m.gguf\n")
    assert file.endswith(
        'PARAMETER stop "\\nQuestion:"\nPARAMETER stop "<|end|>"\nPARAMETER temperature 0.7\n'
        "PARAMETER top_p 1\nPARAMETER top_k 40\nPARAMETER min_p 0\nPARAMETER repeat_penalty 1\n"
        "PARAMETER num_predict 96\n"
    )


def test_what_ollama_cannot_say_is_refused(tokenizer):
    tokenizer.chat_template = CHATML.replace("{{ m.content }}", "{{ m.content }}{{ loop.index }}")
    with pytest.raises(ModelError, match="another way when others stand around"):
        pieces(writer(tokenizer, "chat"))
    asked = prompt_format(Reader("tiny", tokenizer, ends=frozenset({1})), "qa", DECODING)
    odd = pieces(lambda q, s, shots: qa_text(q, s, shots).replace("Answer:", "{{Answer}}:"))
    with pytest.raises(ModelError, match="cannot stand in a Modelfile"):
        modelfile("m.gguf", asked, odd, "")


def test_vllm_s_command_and_script(tokenizer, tmp_path):
    import subprocess

    assert vllm_command("org/base", "/e", "values_targeted-s1", 12) == [
        "vllm", "serve", "org/base", "--served-model-name", "base", "--enable-lora", "--max-loras",
        "2", "--max-lora-rank", "16", "--lora-modules", "values_targeted-s1=/e/adapter",
        "--chat-template", "/e/chat_template.jinja", "--generation-config", "/e",
    ]  # fmt: skip
    asked = prompt_format(Reader("tiny", tokenizer, ends=frozenset({1})), "qa", DECODING)
    path = tmp_path / "a b" / "serve.sh"
    path.parent.mkdir()
    path.write_text(
        vllm_script("values_targeted-s1", 4, asked, "tiny (sha256:0)"), encoding="utf-8"
    )
    assert '"stop": ["\\nQuestion:"]' in path.read_text("utf-8")
    # A vllm that says what it was given.
    fake = tmp_path / "bin" / "vllm"
    fake.parent.mkdir()
    fake.write_text('#!/bin/sh\nfor w in "$@"; do echo "$w"; done\n', encoding="utf-8")
    fake.chmod(0o755)
    env = {"PATH": f"{fake.parent}:/usr/bin:/bin"}
    done = subprocess.run(
        ["sh", path, "/m x", "--port", "1"], capture_output=True, text=True, env=env, check=False
    )
    here = str(path.parent)
    assert done.stdout.splitlines() == [
        *vllm_command("/m x", here, "values_targeted-s1", 4)[1:], "--port", "1"
    ]  # fmt: skip
    silent = subprocess.run(["sh", path], capture_output=True, text=True, env=env, check=False)
    assert silent.returncode
    assert "name the base model: the folder or Hub id of tiny (sha256:0)" in silent.stderr
    assert json.loads(f"[{json.dumps(asked.stop[0])}]") == ["\nQuestion:"]
