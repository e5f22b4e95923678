"""Language models that rate answers beside people: settings in study.toml, none by default.

[[judges]]
name = "qwen3-32b-2507"
family = "qwen"
endpoint = { url = "https://host/v1", key_env = "HOST_API_KEY" }

[[judges]]
name = "llama-3.1-8b"
family = "llama"
model = "meta-llama/Llama-3.1-8B-Instruct"
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from mores.records import Id, Record
from mores.study.elsewhere import Endpoint


class Judge(Record, frozen=True, kw_only=True):
    """One language model that rates answers (docs/judges.md)."""

    name: Id
    """Model and version: its ratings are kept and shown under this name."""
    family: Annotated[str, Meta(min_length=1)]
    """Whose model it is, such as ``qwen`` or ``llama``: models of one family err alike."""
    model: str = ""
    """Run here: a bundled name, a Hub id, a local folder or a GGUF file."""
    endpoint: Endpoint | None = None
    """Or asked there, under its own name, or ``served = {judge = "..."}``."""

    @property
    def asked(self) -> str:
        """What the model is called where it runs."""
        if self.endpoint is None:
            return self.model
        return self.endpoint.served.get("judge", self.name)

    def __post_init__(self) -> None:
        if not self.family.strip():
            raise ValueError(f"judge {self.name!r}: family is empty")
        if bool(self.model) == (self.endpoint is not None):
            raise ValueError(f"judge {self.name!r}: give either model or endpoint")
        if self.endpoint is not None and self.endpoint.api == "completions":
            raise ValueError(
                f'judge {self.name!r}: a judge is asked in chat, not api="completions"'
            )
