"""What makes other programs ask in the study's way: Ollama's Modelfile, vLLM's command.

Ollama's templates are Go's; the text around questions and answers is found by asking the model's
own template (`prompt_format.pieces`).
"""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from pathlib import Path

from mores.errors import ModelError
from mores.records import Decoding
from mores.release.export.model import PromptFormat
from mores.release.export.prompt_format import Pieces
from mores.sample.vllm.engine import RANKS


def modelfile(weights: str, form: PromptFormat, parts: Pieces, bos: str) -> str:
    """Return a Modelfile (docs.ollama.com/modelfile) for a GGUF file beside it.

    Args:
        weights: name of that file.
        form: the prompt format.
        parts: it, cut into what stands around texts.
        bos: token that llama.cpp puts before every text by itself; empty where it does not.

    Raises:
        ModelError: a text cannot stand in a Modelfile.
    """
    stops = dict.fromkeys((*form.stop, *form.stop_tokens))
    lines = [
        f"FROM ./{weights}",
        f'TEMPLATE """{_template(parts, bos)}"""',
        *(f"PARAMETER stop {_quoted(text)}" for text in stops),
        *_decoding(form.decoding),
    ]
    return "\n".join(lines) + "\n"


def _template(parts: Pieces, bos: str) -> str:
    before, after = parts.system
    head = _go(parts.head.removeprefix(bos))
    own = f"{_go(before.removeprefix(bos))}{{{{ .System }}}}{_go(after)}"
    asked = f"{{{{ .Content }}}}{_go(parts.asked)}"
    answered = f"{_go(parts.lead)}{{{{ .Content }}}}{_go(parts.answered)}"
    return (
        f"{{{{ if .System }}}}{own}{{{{ else }}}}{head}{{{{ end }}}}"
        f'{{{{ range .Messages }}}}{{{{ if eq .Role "user" }}}}{asked}'
        f'{{{{ else if eq .Role "assistant" }}}}{answered}{{{{ end }}}}{{{{ end }}}}'
    )


def _go(text: str) -> str:
    """Plain text inside a Go template inside a Modelfile."""
    if '"""' in text or "{{" in text:
        raise ModelError(
            f"the chat template writes {text!r}, which cannot stand in a Modelfile",
            fix="use --form gguf, which holds the template as it is",
        )
    return text


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def _decoding(decoding: Decoding) -> list[str]:
    """The study's way to draw; Ollama's own default penalises repetition, the study does not."""
    return [
        f"PARAMETER temperature {decoding.temperature:g}",
        f"PARAMETER top_p {decoding.top_p:g}",
        f"PARAMETER top_k {decoding.top_k}",
        "PARAMETER min_p 0",
        "PARAMETER repeat_penalty 1",
        f"PARAMETER num_predict {decoding.max_new_tokens}",
    ]


SCRIPT = """#!/bin/sh
# Serves {name} with the prompt format of the study, OpenAI-compatible:
#   sh serve.sh {usage}[more options of `vllm serve`]
# Ask for the model {name!r}{both}.{stop}
set -eu
here="$(cd "$(dirname "$0")" && pwd)"
{base}exec {command} "$@"
"""


def vllm_command(base: str, here: str, name: str, rank: int | None) -> list[str]:
    """Return the command that serves an arm.

    Args:
        base: the base model: a folder or a Hub id; the arm's own folder where it is a whole model.
        here: the exported folder.
        name: what the arm is to be called.
        rank: of the adapter; None for a whole model.
    """
    served = ["vllm", "serve", base, "--served-model-name", name if rank is None else "base"]
    if rank is not None:
        largest = next((r for r in RANKS if r >= rank), RANKS[-1])
        # One more than there are: on CPUs, rows without an adapter take the last one's place.
        served += ["--enable-lora", "--max-loras", "2", "--max-lora-rank", str(largest)]
        served += ["--lora-modules", f"{name}={here}/adapter"]
    return [
        *served,
        "--chat-template",
        f"{here}/chat_template.jinja",
        "--generation-config",
        here,
    ]


def vllm_script(name: str, rank: int | None, form: PromptFormat, base: str) -> str:
    """Return the same as a script that runs wherever the folder is.

    Args:
        name: what the arm is to be called.
        rank: of the adapter; None for a whole model.
        form: the prompt format.
        base: what to call the base model, which the script takes as its first word.
    """
    own = rank is None
    model = "$here/model" if own else "$base"
    words = vllm_command(model, "$here", name, rank)
    wanted = f"name the base model: the folder or Hub id of {base}"
    return SCRIPT.format(
        name=name,
        usage="" if own else "BASE ",
        both="" if own else "; 'base' is the model as it was",
        stop="\n# Send with every request: " + f'"stop": {_listed(form.stop)}' if form.stop else "",
        base="" if own else f'base="${{1:?{wanted}}}"\nshift\n',
        command=" ".join(f'"{w}"' if "$" in w else shlex.quote(w) for w in words),
    )


def _listed(texts: Sequence[str]) -> str:
    return "[" + ", ".join(_quoted(text) for text in texts) + "]"


def shown(command: Sequence[str]) -> str:
    """Return a command as it is typed."""
    return shlex.join(command)


def folder_or_id(source: str, name: str, folder: Path) -> str:
    """Return what another program finds a base model by on this machine."""
    return name if source == "hub" else str(folder)
