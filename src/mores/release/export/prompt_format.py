r"""How to ask an arm outside of mores: the prompt as text, what ends an answer, a chat template.

    form = prompt_format(reader, "qa", decoding)
    form.prompt      # "Question: {question}\nAnswer:"

Other programs know one thing only, a chat template. So ``qa`` gets one that writes the same text,
and ``chat`` the model's own, with the day and the thinking fixed as the study has them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from mores.errors import ModelError
from mores.records import Decoding
from mores.release.export.model import PromptFormat
from mores.weights.chat import chat_form, conversation, fixed_template, prompt_text
from mores.weights.prompt import Shot, qa_text
from mores.weights.reader import Reader

STOP = "\nQuestion:"
"""What ends an answer of ``qa`` besides the end-of-text token (`mores.sample.requests`)."""
QA_TEMPLATE = (
    "{% for m in messages %}"
    "{% if m['role'] == 'system' %}{{ m['content'] }}{{ '\n\n' }}"
    "{% elif m['role'] == 'user' %}{{ 'Question: ' + m['content'] + '\nAnswer:' }}"
    "{% else %}{{ ' ' + m['content'] + '\n\n' }}{% endif %}"
    "{% endfor %}"
)
"""`mores.weights.prompt.qa_text` as a chat template."""

QUIETLY = "{% set enable_thinking = false %}{% set thinking = false %}"
"""Before a template that can let the model think first (`mores.weights.chat.QUIET`)."""

Write = Callable[[str, str, Sequence[Shot]], str]
"""Question, system text, earlier turns → the prompt's text."""


def writer(tokenizer: Any, form: str) -> Write:
    """Return what writes the prompts of a format as text."""
    if form == "qa":
        return qa_text
    return lambda question, system, shots: prompt_text(
        tokenizer, conversation(tokenizer, question, system, shots)
    )


def prompt_format(reader: Reader, form: Literal["chat", "qa"], decoding: Decoding) -> PromptFormat:
    """Return how a model is to be asked."""
    write = writer(reader.tokenizer, form)
    ends = tuple(sorted(reader.ends))
    return PromptFormat(
        format=form,
        prompt=write("{question}", "", ()),
        prompt_with_system=write("{question}", "{system}", ()),
        special_tokens_added=form == "qa",
        stop=(STOP,) if form == "qa" else (),
        stop_tokens=tuple(reader.tokenizer.convert_ids_to_tokens(list(ends))),
        stop_token_ids=ends,
        decoding=decoding,
    )


def chat_template(tokenizer: Any, form: str) -> str:
    """Return the chat template (Jinja) that writes the prompts of a format."""
    if form == "qa":
        return ("{{ bos_token }}" if begins(tokenizer) else "") + QA_TEMPLATE
    fixed = fixed_template(tokenizer)
    return QUIETLY + fixed if chat_form(tokenizer).thinks else fixed


def begins(tokenizer: Any) -> bool:
    """Whether a tokenizer puts its own first token before every text."""
    first: list[int] = tokenizer("a")["input_ids"][:1]
    bare: list[int] = tokenizer("a", add_special_tokens=False)["input_ids"][:1]
    return first != bare and first == [tokenizer.bos_token_id]


@dataclass(frozen=True)
class Pieces:
    """A format cut into what stands around texts, which is the same in every conversation."""

    head: str
    """Before the first question, without a system text."""
    system: tuple[str, str]
    """Before and after a system text; the first question follows."""
    asked: str
    """After a question: the answer follows."""
    lead: str
    """Before an answer that is given, as part of an earlier turn."""
    answered: str
    """After an answer: the next question follows."""

    def write(self, question: str, system: str, shots: Sequence[Shot]) -> str:
        """Put a prompt together again."""
        text = self.system[0] + system + self.system[1] if system else self.head
        for asked, answer in shots:
            text += asked + self.asked + self.lead + answer + self.answered
        return text + question + self.asked


def pieces(write: Write) -> Pieces:
    """Find the pieces of a format by asking it, and see that they make it.

    Raises:
        ModelError: what stands around a text depends on the others.
    """
    head, asked = _around(write("Qz1", "", ()), "Qz1")
    before, after = _around(write("Qz1", "Sz0", ()), "Sz0")
    turns = write("Qz2", "", (("Qz1", "Az1"),))
    between, rest = _around(_around(turns, "Qz1")[1], "Az1")
    found = Pieces(
        head=head,
        system=(before, after.partition("Qz1")[0]),
        asked=asked,
        lead=between.removeprefix(asked),
        answered=rest.partition("Qz2")[0],
    )
    for trial in (("Who?", "", ()), ("Why?", "Be kind.", (("Who?", "Me."), ("You?", "Yes."))),
                  ("Why?", "", (("Who?", "Me."), ("You?", "Yes.")))):  # fmt: skip
        if found.write(*trial) != write(*trial):
            raise ModelError(
                "the model's chat template writes a turn in another way when others stand around "
                "it, which a template of Ollama cannot say",
                fix="--form gguf holds the template as it is; --form vllm serves it",
            )
    return found


def _around(text: str, mark: str) -> tuple[str, str]:
    before, found, after = text.partition(mark)
    if not found:
        raise ModelError(
            "the model's chat template does not show every text that it is given",
            fix='use --form gguf or vllm, or set format = "qa"',
        )
    return before, after
