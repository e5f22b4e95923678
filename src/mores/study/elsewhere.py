"""Where a model is sampled or tuned, when that is not in this process: settings in study.toml.

    [[models]]
    name = "gpt-4.1-mini"
    engine = "openai"
    tuner = "openai"

    [models.endpoint]
    url = "https://api.openai.com/v1"
    key_env = "OPENAI_API_KEY"

Keys stand in the environment only: a study names the variable, never the key.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, field

from mores.records import Count, Positive, Record

Price = Annotated[float, Meta(ge=0.0)]


class Prices(Record, frozen=True, kw_only=True):
    """What a service asks, for a million tokens each. `mores plan` adds them up."""

    read: Price = 0.0
    """Tokens of prompts."""
    drawn: Price = 0.0
    """Tokens of answers."""
    trained: Price = 0.0
    """Tokens of samples, each counted once an epoch."""
    currency: str = "USD"


class Endpoint(Record, frozen=True, kw_only=True):
    """An OpenAI-compatible service that answers: vLLM, SGLang, llama.cpp, Ollama, a hosted one."""

    url: Annotated[str, Meta(min_length=1)]
    """Up to and with ``/v1``; https, or http on this machine."""
    api: Literal["auto", "chat", "completions"] = "auto"
    """``completions`` takes our token ids, so that prompts are equal to the last token; ``auto`` is
    that where the model's tokenizer is at hand, else ``chat``."""
    key_env: str = ""
    """Name of the environment variable that holds the key."""
    served: dict[str, str] = field(default_factory=dict)
    """Arm → the model's name there. By default base goes by the model's own name, a tuned arm by
    what its host calls it, or by the arm's name, such as ``values_targeted-s1``."""
    answers_as: tuple[str, ...] = ()
    """Names under which it answers besides those asked for."""
    concurrency: Positive = 8
    """Requests under way at the same time."""
    requests_per_minute: Count = 0
    """0: as fast as it answers."""
    timeout: Annotated[float, Meta(gt=0)] = 120.0
    """Seconds for one answer."""
    extra: dict[str, Any] = field(default_factory=dict)
    """Sent with every request, such as ``{chat_template_kwargs = {enable_thinking = false}}``."""
    most_tokens: Count = 0
    """Budget of this model in this preset, read and drawn together, whatever was asked again;
    asking stops before it could be passed. 0: none."""
    most_money: Price = 0.0
    """The same in money, by `prices`."""
    prices: Prices = Prices()
    context: Count = 0
    """Longest text in tokens, where the tokenizer is not at hand; 0: not known."""

    def __post_init__(self) -> None:
        if self.most_money and not (self.prices.read or self.prices.drawn):
            raise ValueError("most_money needs prices: a budget without them stops nothing")


class Host(Record, frozen=True, kw_only=True):
    """A service that tunes."""

    url: str = ""
    """By default the tuner's own address."""
    profile: Literal["openai", "azure", "nebius", "crusoe", "custom"] = "openai"
    """Which dialect of the OpenAI contract: how the key is sent and what may be set."""
    key_env: str = ""
    """Name of the environment variable that holds the key."""
    model: str = ""
    """What the base model is called there; by default its name in the study."""
    fetch: bool = False
    """Fetch the adapters and do everything else with them here."""
    learning_rate_multiplier: Annotated[float, Meta(gt=0.0)] = 1.0
    """OpenAI's contract takes no learning rate, but a multiple of the host's own."""
    poll_seconds: Annotated[float, Meta(gt=0)] = 20.0
    most_money: Price = 0.0
    """Budget of one arm by `prices`; checked before anything is sent. 0: none."""
    prices: Prices = Prices()
