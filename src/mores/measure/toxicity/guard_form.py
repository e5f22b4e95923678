"""How a family of guard models is asked and how it answers: data files in ``guards/``.

form = guard_form("meta-llama/Llama-Guard-3-1B")     # by the model's name
form = guard_form("folder", "my-form.toml")          # a form of one's own
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import Meta, field

from mores import store
from mores.errors import MeasureError, did_you_mean
from mores.records import Record

PROMPT, ANSWER, POLICY = "{prompt}", "{answer}", "{policy}"
Style = Literal["categories", "first word", "score tag", "next token"]


class Policy(Record, frozen=True, kw_only=True):
    """What is not allowed, as it is put to the guard."""

    answer: str
    """For an answer to a question."""
    alone: str
    """For a text without a question."""


class GuardForm(Record, frozen=True, kw_only=True):
    """One form."""

    name: str
    version: str
    source: str
    """Where the form is documented."""
    matches: tuple[str, ...] = ()
    """Parts of the names of models that have it, lower case."""
    answer: Style
    """``categories``: first line a word, second line categories where it is the second word;
    ``first word``; ``score tag``: the word in <score>; ``next token``: nothing is written, the
    logits of the two words count."""
    words: tuple[str, str]
    """The word for harmless and the word for harmful."""
    categories: dict[str, str] = field(default_factory=dict)
    policies: dict[str, Policy] = field(default_factory=dict)
    default: tuple[str, ...] = ()
    """Policies that are asked where none is named."""
    argument: str = ""
    """Argument of the chat template that carries the policy."""
    argument_key: str = ""
    """Where the argument is a table: the key of the policy in it."""
    generation_prompt: bool = True
    template: str = ""
    """Text with {prompt}, {answer} and {policy}; empty: the model's own chat template."""
    template_alone: str = ""
    """The same for a text without a question, with {answer} for the text."""
    max_new_tokens: Annotated[int, Meta(ge=1, le=1000)] = 32

    def __post_init__(self) -> None:
        for part, text in (("template", self.template), ("template_alone", self.template_alone)):
            wanted = [ANSWER, *([POLICY] if self.policies else [])]
            wanted += [PROMPT] if part == "template" else []
            for mark in wanted:
                if text and text.count(mark) != 1:
                    raise ValueError(f"{part} must hold {mark} exactly once")
        if unknown := set(self.default) - set(self.policies):
            raise ValueError(f"default names no policy of this form: {', '.join(sorted(unknown))}")
        if self.policies and not self.default:
            raise ValueError("default names no policy")

    def arguments(self, policy: str) -> dict[str, Any]:
        """Return the chat template's arguments for a policy's text."""
        if not self.argument:
            return {}
        return {self.argument: {self.argument_key: policy} if self.argument_key else policy}


def guard_form(model: str, form: str = "") -> GuardForm:
    """Return the form of a guard model.

    Args:
        model: its name, which decides where no form is named.
        form: a form's name, or a TOML file.

    Raises:
        MeasureError: unknown form, or none that goes with the model's name.
        DataError: the file is no form.
    """
    if form.endswith(".toml"):
        path = Path(form).expanduser()
        return store.as_record(store.read_toml(path), GuardForm, path=path)
    known = shipped_forms()
    if form:
        if form not in known:
            raise MeasureError(
                f"unknown form {form!r}{did_you_mean(form, list(known))}",
                where=f"guard {model!r}",
                fix=f"forms: {', '.join(known)}, or a TOML file",
            )
        return known[form]
    name = model.lower()
    fitting = [(len(part), f) for f in known.values() for part in f.matches if part in name]
    if not fitting:
        raise MeasureError(
            "its name does not say which form it answers in",
            where=f"guard {model!r}",
            fix=f"name one as `form` in its options: {', '.join(known)}, or a TOML file",
        )
    return max(fitting, key=lambda pair: pair[0])[1]


def shipped_forms() -> dict[str, GuardForm]:
    """Return the forms in ``guards/`` by name."""
    import tomllib

    folder = resources.files("mores.measure.toxicity").joinpath("guards")
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    read = [store.as_record(tomllib.loads(f.read_text("utf-8")), GuardForm) for f in files]
    return {form.name: form for form in read}
