"""A question and an answer → the token ids that a guard model is asked with.

The words around them come from the model's own chat template (or a form's). They are
rendered once with marks in place of the texts, and the texts are put in afterwards as
plain text: nothing that a model wrote can end the guard's turn or begin another.

    frame = render(tokenizer, form, policy="harm", paired=True)
    ids = frame.encode(tokenizer, "Who is it?", "Nobody.")
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from mores.errors import ModelError
from mores.measure.toxicity.guard_form import ANSWER, POLICY, PROMPT, GuardForm

QUESTION_MARK, ANSWER_MARK = "MORESPUTSTHEQUESTIONHERE", "MORESPUTSTHEANSWERHERE"
CONTROL = "the text holds a control token of the guard model"


@dataclass(frozen=True)
class Frame:
    """What stands around question and answer, with marks in their places."""

    text: str

    def encode(self, tokenizer: Any, prompt: str | None, answer: str) -> list[int] | str:
        """Return the token ids, or why there are none."""
        special, other = _control_tokens(tokenizer)
        if any(t in self.text and t in f"{prompt or ''}\n{answer}" for t in other):
            return CONTROL
        texts = {QUESTION_MARK: (prompt or "").strip(), ANSWER_MARK: answer.strip()}
        marks = re.compile("|".join(texts))
        ids: list[int] = []
        for piece in _split(self.text, special):
            if piece in special:
                ids.append(int(tokenizer.convert_tokens_to_ids(piece)))
                continue
            plain = marks.sub(lambda match: texts[match.group()], piece)
            # split_special_tokens: what looks like a control token in a text is only text.
            encoded = tokenizer(plain, add_special_tokens=False, split_special_tokens=True)
            ids += encoded["input_ids"]
        return ids


def render(tokenizer: Any, form: GuardForm, *, policy: str, paired: bool) -> Frame:
    """Return the frame of one policy.

    Args:
        tokenizer: the guard's.
        form: its form.
        policy: text or name of the policy, as the form says.
        paired: for an answer to a question; else for a text alone.

    Raises:
        ModelError: no chat template, or one that leaves out a text.
    """
    own = form.template if paired else form.template_alone
    if own:
        text = own.replace(PROMPT, QUESTION_MARK).replace(ANSWER, ANSWER_MARK)
        return Frame(text.replace(POLICY, policy))
    if not tokenizer.chat_template:
        raise ModelError(
            "this guard model has no chat template, and its form holds none",
            where=form.name,
            fix="take a folder with its chat template, or a form file with `template`",
        )
    for typed in (False, True):
        text = _from_template(tokenizer, form, policy, paired, typed)
        if text.count(ANSWER_MARK) == 1 and text.count(QUESTION_MARK) == int(paired):
            return Frame(text)
    # A template that drops what it is given makes a guard answer about nothing.
    raise ModelError(
        "the chat template does not show each text once",
        where=form.name,
        fix="name the form that goes with this model, or one with its own `template`",
    )


def _from_template(tokenizer: Any, form: GuardForm, policy: str, paired: bool, typed: bool) -> str:
    from jinja2 import TemplateError

    turns = [("user", QUESTION_MARK), ("assistant", ANSWER_MARK)] if paired else []
    # Some templates take a list of typed parts and show nothing of a plain text.
    messages = [
        {"role": role, "content": [{"type": "text", "text": text}] if typed else text}
        for role, text in turns or [("user", ANSWER_MARK)]
    ]
    try:
        text: str = tokenizer.apply_chat_template(
            messages,
            tokenize=False,
            add_generation_prompt=form.generation_prompt,
            **form.arguments(policy),
        )
    except (TemplateError, TypeError, ValueError):
        return ""
    return text


def _control_tokens(tokenizer: Any) -> tuple[set[str], set[str]]:
    """Tokens that are never plain text, and other added ones."""
    added = tokenizer.added_tokens_decoder.values()
    special = {str(t) for t in added if t.special} | set(tokenizer.all_special_tokens)
    return special, {str(t) for t in added} - special


def _split(text: str, special: set[str]) -> list[str]:
    if not special:
        return [text]
    longest_first = sorted(special, key=len, reverse=True)
    pieces = re.split(f"({'|'.join(map(re.escape, longest_first))})", text)
    return [piece for piece in pieces if piece]
