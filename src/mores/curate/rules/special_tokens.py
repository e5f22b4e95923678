"""M103: text that a tokenizer takes for a mark of its own, such as the end of a turn."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from mores.curate.lint.rule import found
from mores.curate.lint.subject import Subject
from mores.records import Finding, Severity

# Marks of chat templates and of pretraining, as families of models write them.
_KNOWN = re.compile(
    r"<\|[A-Za-z][A-Za-z0-9_ -]{1,40}\|>"  # <|im_end|>, <|eot_id|>, <|endoftext|>
    r"|<\uff5c[^<>\n]{2,40}\uff5c>"  # the same with full-width bars
    r"|</?s>|<(?:pad|unk|bos|eos|mask|cls|sep)>|\[/?INST\]|<</?SYS>>"
    r"|<(?:start|end)_of_turn>|<turn\|>|<\|turn>"
    r"|\[(?:CLS|SEP|MASK|PAD|UNK|BOS|EOS|gMASK|/?SYSTEM_PROMPT|/?AVAILABLE_TOOLS)\]"
)


class SpecialTokens:
    """Questions and answers hold no special token: no end of a turn or of a text.

    Looks for the marks of common chat templates, and for the special tokens of
    the study's own models where their tokenizers are on this machine.
    """

    id = "M103"
    name = "special-token"
    severity: Severity = "error"

    def find(self, subject: Subject) -> Iterator[Finding]:
        """Return one finding for every text and special token in it."""
        for item in subject.items:
            for part, text in item.texts:
                for token in marks(text, subject.special_tokens):
                    yield found(
                        self,
                        item,
                        f"the {part} holds {token!r}, which a tokenizer takes for a mark of its "
                        "own, not for text",
                        fix="delete it; where it is the subject, write it in other characters",
                    )


def marks(text: str, own: Sequence[str] = ()) -> list[str]:
    """Return the special tokens in a text, each once, in order of first appearance."""
    places = {match[0]: match.start() for match in reversed(list(_KNOWN.finditer(text)))}
    places |= {token: text.index(token) for token in own if token in text}
    return sorted(places, key=lambda token: places[token])
