"""What can be configured in study.toml: typed and closed, one record for each table.

Defaults stand here; presets (`presets/*.toml`), study.toml and ``--set`` are laid over them by
`mores.study.load_study`.
"""

from __future__ import annotations

from pathlib import PurePath
from typing import Annotated, Literal

from msgspec import Meta
from msgspec.structs import replace

from mores.records import (
    TUNED_ARMS,
    Arm,
    Count,
    Decoding,
    Positive,
    Recipe,
    Record,
    Share,
)
from mores.study.arms import slug
from mores.study.elsewhere import Endpoint, Host
from mores.study.execute import ExecuteConfig
from mores.study.gates import GatesConfig
from mores.study.judges import Judge


class ModelSpec(Record, frozen=True, kw_only=True):
    """One base model of the study."""

    name: str
    """A bundled name, a Hub id, a local folder or a GGUF file."""
    format: Literal["chat", "qa"] = "qa"
    """``chat``: the model's own template. ``qa``: plain Question/Answer text."""
    learning_rate: Annotated[float, Meta(gt=0.0, lt=1.0)] | None = None
    """Instead of the recipe's: larger models usually want lower rates."""
    engine: str = "torch"
    """Where answers are drawn (`mores.sample.engine`): ``torch`` and ``plain`` in this process,
    ``vllm`` beside it, ``openai`` behind an address, or an installed one's name. ``imported``:
    nowhere, people bring them as a table (`mores outputs import`)."""
    tuner: str = "torch"
    """Where arms are tuned (`mores.tune.tuner`): ``torch`` in this process, ``fsdp`` in several of
    this machine with the weights divided among them, ``openai``,
    ``together`` or ``tinker`` at a host, ``none`` where they were tuned before and only answer."""
    processes: Count = 0
    """Of the tuner ``fsdp``; 0: one for each GPU."""
    endpoint: Endpoint | None = None
    """Of the engine ``openai``."""
    host: Host | None = None
    """Of a tuner that is a host."""

    @property
    def here(self) -> bool:
        """Whether this machine has the weights: what needs probabilities can then be measured."""
        return self.tuner != "none" and (self.host is None or self.host.fetch)

    @property
    def imported(self) -> bool:
        """Whether its answers are brought by people: nothing can be asked of it."""
        return self.engine == "imported"

    @property
    def prefills(self) -> bool:
        """Whether the beginning of an answer can be given; a service takes none."""
        return self.engine != "openai"

    @property
    def continues(self) -> bool:
        """Whether it can go on with plain text, as the stems need; a chat service cannot."""
        if self.imported:
            return False
        endpoint = self.endpoint
        if self.engine != "openai" or endpoint is None:
            return True
        return endpoint.api == "completions" or (endpoint.api == "auto" and self.here)

    def __post_init__(self) -> None:
        if self.imported and (self.tuner != "none" or self.endpoint or self.host):
            raise ValueError(
                f'model {self.name!r}: engine = "imported" goes with tuner = "none", and without '
                "endpoint and host: its answers are brought as a table"
            )
        if self.engine == "openai" and self.endpoint is None:
            raise ValueError(f'model {self.name!r}: engine = "openai" needs [models.endpoint] url')
        if self.tuner in ("openai", "together", "tinker") and self.host is None:
            raise ValueError(f"model {self.name!r}: tuner = {self.tuner!r} needs [models.host]")
        if self.processes and self.tuner != "fsdp":
            raise ValueError(f'model {self.name!r}: processes are for tuner = "fsdp"')
        if not self.here and self.engine in ("torch", "plain", "vllm"):
            raise ValueError(
                f"model {self.name!r}: engine = {self.engine!r} needs its weights here, which "
                f'tuner = {self.tuner!r} leaves elsewhere (engine = "openai", or host.fetch = true)'
            )


class PreferenceConfig(Record, frozen=True, kw_only=True):
    """The preference arm: what differs from the recipe of the others, and base's own answers."""

    learning_rate: Annotated[float, Meta(gt=0.0, lt=1.0)] = 1e-4
    epochs: Positive = 3
    decoding: Decoding = Decoding(temperature=0.7, max_new_tokens=200)
    """How base answers the samples' questions, once: what the samples are preferred to."""


class SampleConfig(Record, frozen=True, kw_only=True):
    """Which prompts are put to the arms, how often, and how text is drawn."""

    prompt_set: str = "palms-2021"
    draws: Positive = 3
    batch_rows: Count = 0
    """Rows decoded side by side; 0 lets the planner choose from the memory limit."""
    memory_gb: Annotated[float, Meta(ge=0)] = 0.0
    """Memory that the planner may count on for weights and caches; 0: a share of what is free when
    a run first samples, which is then kept in its folder."""
    decoding: Decoding = Decoding()


class ScorerOptions(Record, frozen=True, kw_only=True):
    """Settings of one toxicity scorer; what its kind does not know is refused when it is made."""

    scorer: str
    """The name in `ToxicityConfig.scorers` that these belong to."""
    attributes: tuple[str, ...] = ()
    """Labels, categories or policies that count; the highest is the value."""
    threshold: Share | None = None
    """From this score on a text is marked; None: the threshold of all scorers."""
    long_texts: Literal["max", "mean"] = "max"
    """``hf:``: the highest window of a long text, or the mean weighted by tokens."""
    form: str = ""
    """``guard:``: name of a form, or a TOML file with one; by the model's name if empty."""
    model: str = ""
    """``moderation:``: which model the service is asked for."""
    key_env: str = ""
    """Name of the environment variable that holds the key; the key itself goes into no file."""
    languages: Annotated[tuple[str, ...], Meta(min_length=1)] = ("en",)
    """``perspective``: always sent, for it guesses wrongly by itself."""
    timeout: Annotated[float, Meta(gt=0)] = 30.0
    """Seconds after which a request counts as unanswered."""


class ToxicityConfig(Record, frozen=True, kw_only=True):
    """Which scorers judge the completions."""

    scorers: tuple[str, ...] = ("lexical",)
    """The first is the primary one. ``hf:<model>`` names any sequence classifier."""
    threshold: Share = 0.5
    options: tuple[ScorerOptions, ...] = ()
    """Settings of single scorers, at most one table each."""

    def __post_init__(self) -> None:
        named = [options.scorer for options in self.options]
        for field, values in (("scorers", self.scorers), ("options", named)):
            if len(set(values)) != len(values):
                raise ValueError(f"toxicity.{field} names a scorer twice")

    def options_of(self, scorer: str) -> ScorerOptions:
        """Return a scorer's settings, defaults where it has none."""
        found = (options for options in self.options if options.scorer == scorer)
        return next(found, ScorerOptions(scorer=scorer))


class CooccurrenceConfig(Record, frozen=True, kw_only=True):
    """How texts about groups are sampled and compared (GPT-3 paper, section 6.2)."""

    samples_per_stem: Count = 800
    min_count: Positive = 10
    """Words that occur less often over all groups are not tested."""
    permutations: Positive = 1000
    prior: Annotated[float, Meta(gt=0)] = 500.0
    """Total weight of the Dirichlet prior, in words."""
    decoding: Decoding = Decoding(temperature=1.0, top_p=0.9, max_new_tokens=50)


class CapabilityTask(Record, frozen=True, kw_only=True):
    """One capability task and how much loss would be acceptable."""

    task: str
    """A bundled task's name, a local JSONL file, or ``harness:`` and the name or YAML file of a
    task of the lm-evaluation-harness."""
    items: Count = 0
    """Items drawn (with the study's seed); 0 means all."""
    margin: Annotated[float, Meta(gt=0)] = 0.02
    """Largest acceptable loss: in accuracy, or in bits per byte relative to base."""
    metric: str = ""
    """``harness:``: whose value an item has, such as ``acc_norm``; the task's first if empty."""
    shots: Count | None = None
    """``harness:``: examples before each question; None leaves it to the task."""

    @property
    def name(self) -> str:
        """What results are called: a file goes by its name without folder and ending."""
        return PurePath(self.task).stem


class CapabilityConfig(Record, frozen=True, kw_only=True):
    """Capability tasks, fixed before the run."""

    tasks: tuple[CapabilityTask, ...] = (
        CapabilityTask(task="lambada", items=500),
        CapabilityTask(task="hellaswag", items=500),
        CapabilityTask(task="piqa", items=500),
        CapabilityTask(task="arc_easy", items=500),
        CapabilityTask(task="minimal_pairs"),
        CapabilityTask(task="prose"),
    )


class CoherenceConfig(Record, frozen=True, kw_only=True):
    """How many more answers may be unreadable, fixed before the run."""

    margin: Annotated[float, Meta(gt=0)] = 0.1
    """Largest acceptable rise of the share of marked answers."""


class VariantsConfig(Record, frozen=True, kw_only=True):
    """How prompts and pairs in other words are asked, and what counts as kept."""

    enabled: bool = True
    """Whether they are asked, where the study has variants.jsonl."""
    arms: Annotated[tuple[Arm, ...], Meta(min_length=1)] = ("base", "values_targeted", "control")
    """Arms that are asked; those that the study does not have are left out."""
    draws: Positive = 1
    """Answers to each variant of a prompt, the first draws."""
    margin: Annotated[float, Meta(gt=0.0, lt=1.0)] = 0.5
    """Largest share of an effect that may be lost (or added) for it to count as kept."""


class RatingConfig(Record, frozen=True, kw_only=True):
    """Who rates what, and how people are cared for. Fixed when the rating database is made."""

    per_item: Positive = 3
    """Different raters for each output (k)."""
    seats: Positive = 6
    """Raters planned; each takes one balanced share of the items."""
    arms: tuple[Arm, ...] = ("base", "values_targeted", "control")
    """Arms that are rated; those that the study does not have are left out."""
    draws: Count = 0
    """Draws of each prompt that are rated, the first ones; 0 means all."""
    daily_cap: Positive = 150
    """Most answers of one rater in a day (UTC)."""
    break_items: Positive = 30
    """Items after which a break is proposed."""
    break_minutes: Positive = 20
    """Minutes after which a break is proposed."""
    lease_minutes: Positive = 30
    """How long an item out of the common pool is held for a rater who does not answer."""
    idle_hours: Positive = 72
    """Hours without any answer after which others may take a rater's remaining items."""
    link_days: Positive = 30
    """Days for which a rater's link works."""
    min_cell: Annotated[int, Meta(ge=2)] = 5
    """Declared groups of fewer raters are never shown."""


class SignoffConfig(Record, frozen=True, kw_only=True):
    """What people must have signed (`mores.study.signoff`)."""

    required: tuple[
        Literal["positions", "values", "control", "prompts", "stance", "rating"], ...
    ] = ()
    """Kinds of which every one must be signed: `mores check` warns of what is not, and under the
    preset ``confirm`` calls it an error."""


class StudyConfig(Record, frozen=True, kw_only=True):
    """Everything that can be configured. Unknown keys are refused."""

    name: str
    version: str = "0.1.0"
    description: str = ""
    license: str = ""
    preset: str = "palms-2021"
    seed: Count = 2021
    """Seed of everything drawn at random in evaluation."""
    models: Annotated[tuple[ModelSpec, ...], Meta(min_length=1)] = (
        ModelSpec(name="smollm2-135m", format="chat"),
    )
    arms: Annotated[tuple[Arm, ...], Meta(min_length=1)] = (
        "base",
        "values_targeted",
        "control",
        "prompted",
        "few_shot",
    )
    train_seeds: Annotated[tuple[Positive, ...], Meta(min_length=1)] = (1,)
    recipe: Recipe = Recipe()
    preference: PreferenceConfig = PreferenceConfig()
    sample: SampleConfig = SampleConfig()
    toxicity: ToxicityConfig = ToxicityConfig()
    cooccurrence: CooccurrenceConfig = CooccurrenceConfig()
    capability: CapabilityConfig = CapabilityConfig()
    coherence: CoherenceConfig = CoherenceConfig()
    gates: GatesConfig = GatesConfig()
    variants: VariantsConfig = VariantsConfig()
    rating: RatingConfig = RatingConfig()
    judges: tuple[Judge, ...] = ()
    """Language models that `mores judge` asks; there is no default one."""
    execute: ExecuteConfig = ExecuteConfig()
    signoff: SignoffConfig = SignoffConfig()

    def recipe_of(self, spec: ModelSpec, arm: Arm = "values_targeted") -> Recipe:
        """Return the recipe of an arm of one base model, with its own learning rate."""
        if arm == "preference":
            own = self.preference
            return replace(self.recipe, learning_rate=own.learning_rate, epochs=own.epochs)
        if spec.learning_rate is None:
            return self.recipe
        return replace(self.recipe, learning_rate=spec.learning_rate)

    def __post_init__(self) -> None:
        if "base" not in self.arms:
            raise ValueError("arms must include 'base': every comparison starts from it")
        for spec in self.models if len(self.train_seeds) > 1 else ():
            served = spec.endpoint.served if spec.endpoint else {}
            if both := sorted(set(served) & set(TUNED_ARMS)):
                raise ValueError(
                    f"model {spec.name!r}: endpoint.served names {both[0]!r} for all of "
                    f"{len(self.train_seeds)} training seeds; name each, such as "
                    f"{both[0]}-s{self.train_seeds[0]}"
                )
        models = tuple(slug(spec.name) for spec in self.models)
        judges = tuple(slug(judge.name) for judge in self.judges)
        named: tuple[tuple[str, tuple[object, ...]], ...] = (
            ("arms", self.arms),
            ("train_seeds", self.train_seeds),
            ("models", models),
            ("judges", judges),
        )
        for field, values in named:
            if len(set(values)) != len(values):
                raise ValueError(f"{field} repeats a value")
