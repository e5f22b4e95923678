"""Configuration in four layers, closed at every depth; the data files of a study."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest
from msgspec.structs import replace

from mores import study as module
from mores.errors import DataError, MoresError, StudyError
from mores.study import load_study, settings
from mores.study.layers import PRESETS, parse_override, read_preset

ROOT = Path(__file__).parents[2]
WELLBEING = ROOT / "examples" / "wellbeing"


@pytest.fixture
def write(tmp_path):
    """Write a study.toml and give the folder."""

    def write(text: str = "") -> Path:
        (tmp_path / "study.toml").write_text(f'name = "t"\n{text}', encoding="utf-8")
        return tmp_path

    return write


# Layers ----------------------------------------------------------------------------------


def test_each_layer_wins_over_those_before(write):
    folder = write('preset = "quick"\n[recipe]\nbatch_size = 5\nclip_norm = 0.5\n')
    study = load_study(folder, overrides=("recipe.clip_norm=2", "sample.draws=9"))
    recipe, origins = study.config.recipe, study.origins
    assert (recipe.weight_decay, origins.get("recipe.weight_decay")) == (0.0, None)
    assert (recipe.method, origins["recipe.method"]) == ("lora", "preset quick")
    assert (recipe.batch_size, origins["recipe.batch_size"]) == (5, "study.toml")
    assert (recipe.clip_norm, origins["recipe.clip_norm"]) == (2.0, "--set")
    assert (study.config.sample.draws, origins["sample.draws"]) == (9, "--set")
    # quick.toml says 96; temperature stays beside it
    assert study.config.sample.decoding.max_new_tokens == 96
    rows = {key: (value, origin) for key, value, origin in settings(study)}
    assert rows["recipe.weight_decay"] == ("0.0", "default")
    assert rows["recipe.batch_size"] == ("5", "study.toml")
    assert rows["recipe.clip_norm"] == ("2.0", "--set")
    assert rows["sample.decoding.max_new_tokens"] == ("96", "preset quick")
    assert rows["name"] == ('"t"', "study.toml")


def test_settings_list_every_setting_once_in_declared_order(write):
    keys = [key for key, _, _ in settings(load_study(write()))]
    assert len(set(keys)) == len(keys)
    tops = list(dict.fromkeys(key.partition(".")[0] for key in keys))
    assert tops == list(module.StudyConfig.__struct_fields__)
    assert "recipe.lora_rank" in keys
    assert "cooccurrence.decoding.top_p" in keys


def test_one_key_of_a_table_leaves_its_other_keys(write):
    folder = write("[sample]\ndecoding = { temperature = 0.1 }\n")
    decoding = load_study(folder, preset="palms-2021").config.sample.decoding
    assert (decoding.temperature, decoding.max_new_tokens, decoding.top_p) == (0.1, 200, 1.0)


def test_a_list_is_replaced_as_a_whole(write):
    study = load_study(write('[capability]\ntasks = [{ task = "piqa" }]\n'))
    assert [t.task for t in study.config.capability.tasks] == ["piqa"]
    assert {k: o for k, _, o in settings(study)}["capability.tasks"] == "study.toml"


@pytest.mark.parametrize(
    ("own", "argument", "overrides", "preset"),
    [
        ("", None, (), "palms-2021"),
        ('preset = "quick"', None, (), "quick"),
        ('preset = "quick"', "confirm", (), "confirm"),
        ('preset = "quick"', None, ("preset=confirm",), "confirm"),
        ('preset = "quick"', None, ('preset="confirm"',), "confirm"),
    ],
)
def test_which_preset_is_taken_and_where_its_results_go(write, own, argument, overrides, preset):
    folder = write(own)
    study = load_study(folder, preset=argument, overrides=overrides)
    assert study.config.preset == preset
    assert study.run_folder == folder / "runs" / preset
    assert study.origins["recipe.method"] == f"preset {preset}"


def test_the_origin_of_the_preset_itself(write):
    def origin(**options):
        return {k: o for k, _, o in settings(load_study(folder, **options))}["preset"]

    folder = write()
    assert origin() == "default"
    assert origin(overrides=("preset=quick",)) == "--set"
    assert origin(preset="quick") not in {"study.toml", "default"}
    folder = write('preset = "quick"')
    assert origin() == "study.toml"
    assert origin(preset="confirm") not in {"study.toml", "default"}


def test_a_preset_named_twice_is_one_preset(write):
    """The name in the configuration is that of the preset whose values are used."""
    study = load_study(write(), preset="quick", overrides=("preset=confirm",))
    assert study.origins["recipe.method"] == f"preset {study.config.preset}"


@pytest.mark.parametrize("name", PRESETS)
def test_every_shipped_preset_parses(write, name):
    study = load_study(write(), preset=name)
    assert study.config.preset == name
    assert study.config.sample.prompt_set in {"palms-2021", "confirm"}
    assert sorted(p.stem for p in (ROOT / "src/mores/study/presets").glob("*.toml")) == sorted(
        PRESETS
    )


def test_the_published_preset_is_the_published_design(write):
    config = load_study(write(), preset="palms-2021").config
    recipe = config.recipe
    assert (recipe.method, recipe.epochs, config.sample.draws) == ("full", 2, 3)
    assert (recipe.prompt_weight, config.sample.decoding.temperature) == (0.1, 0.7)
    assert config.cooccurrence.samples_per_stem == 800
    assert len(load_study(write(), preset="confirm").config.train_seeds) >= 3


# What is refused -------------------------------------------------------------------------


def refused(folder: Path, **options) -> MoresError:
    with pytest.raises(StudyError) as caught:
        load_study(folder, **options)
    return caught.value


@pytest.mark.parametrize(
    ("text", "name", "near"),
    [
        ("presett = 1", "presett", "preset"),
        ("[recipe]\nepoch = 1", "recipe.epoch", "epochs"),
        ("[sample]\ndecoding = { temprature = 1 }", "sample.decoding.temprature", "temperature"),
        ('[[models]]\nname = "x"\nfromat = "qa"', "models.fromat", "format"),
        ('[capability]\ntasks = [{ task = "x", item = 3 }]', "capability.tasks.item", "items"),
        ("[toxicity]\nscorer = []", "toxicity.scorer", "scorers"),
    ],
)
def test_an_unknown_key_is_refused_at_every_depth_with_a_suggestion(write, text, name, near):
    folder = write(text)
    error = refused(folder)
    assert error.message == f"unknown key {name!r}; did you mean {near!r}?"
    assert error.path == str(folder / "study.toml")
    assert near in error.fix


def test_an_unknown_key_on_the_command_line_says_so(write):
    error = refused(write(), overrides=("recipe.epoch=1",))
    assert error.path == "--set"
    assert error.message == "unknown key 'recipe.epoch'; did you mean 'epochs'?"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[recipe]\nepochs = 0", "recipe.epochs"),
        ('[recipe]\nepochs = "two"', "expected `int`, found `str`"),
        ("[recipe]\nearly_stopping = 1", "held_out"),
        ('arms = ["control"]', "must include 'base'"),
        ('arms = ["base", "base"]', "arms repeats a value"),
        ('arms = ["base", "values"]', "arms"),
        ("arms = []", "arms"),
        ("train_seeds = [1, 1]", "train_seeds repeats a value"),
        ("train_seeds = [0]", "train_seeds"),
        ("seed = -1", "seed"),
        ("models = []", "models"),
        ('[[models]]\nformat = "qa"', "missing field `name`"),
        ("recipe = 3", "expected `object`, found `int` in field `recipe`"),
        ("[capability]\ntasks = [{ task = 'x', margin = 0.0 }]", "margin"),
    ],
)
def test_bad_values_are_refused_with_the_field(write, text, words):
    folder = write(text)
    error = refused(folder)
    assert words in error.message
    assert error.path == str(folder / "study.toml")
    assert "mores plan" in error.fix


def test_a_study_without_a_name(tmp_path):
    (tmp_path / "study.toml").write_text("seed = 1\n")
    assert "missing field `name`" in refused(tmp_path).message


def test_an_unknown_preset_is_refused_with_a_suggestion(write):
    for error in (
        refused(write(), preset="quik"),
        refused(write('preset = "quik"')),
        refused(write(), overrides=("preset=quik",)),
    ):
        assert error.message == "unknown preset 'quik'; did you mean 'quick'?"
        assert error.fix == "presets: quick, palms-2021, confirm"
    with pytest.raises(StudyError):
        read_preset("../quick")


def test_a_folder_without_a_study_says_how_to_start_one(tmp_path):
    error = refused(tmp_path)
    assert "no study.toml" in error.message
    assert "mores init" in error.fix


def test_a_study_file_that_is_no_toml(write):
    with pytest.raises(DataError, match="line 2"):
        load_study(write("x = = 1"))


@pytest.mark.parametrize(
    ("text", "pair"),
    [
        ("recipe.epochs=3", ("recipe.epochs", 3)),
        (" seed = 4 ", ("seed", 4)),
        ("a=1e-3", ("a", 0.001)),
        ("a=true", ("a", True)),
        ('a=["base", "control"]', ("a", ["base", "control"])),
        ("a={x = 1}", ("a", {"x": 1})),
        ("preset=palms-2021", ("preset", "palms-2021")),
        ("a=b=c", ("a", "b=c")),
        ("description=", ("description", "")),
    ],
)
def test_overrides_are_toml_or_else_strings(text, pair):
    assert parse_override(text) == pair


@pytest.mark.parametrize("text", ["recipe.epochs", "=3", " =3", ""])
def test_overrides_without_key_or_value_are_refused(text):
    with pytest.raises(StudyError, match="expected KEY=VALUE"):
        parse_override(text)


def test_overrides_that_contradict_each_other_are_refused(write):
    error = refused(write(), overrides=("recipe=1", "recipe.epochs=2"))
    assert "recipe" in error.message


# Data files ------------------------------------------------------------------------------


def append(path: Path, **row) -> None:
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")


def test_a_study_reads_its_files(tiny_study):
    study = load_study(tiny_study)
    assert study.charter.categories == ("care", "beauty")
    assert (study.values.name, len(study.values.examples)) == ("values", 8)
    assert study.dataset("values_targeted") is study.values
    assert study.dataset("control") is study.control
    assert study.control.examples[0].id == "c-00"
    assert [p.id for p in study.chosen_prompts] == [f"t-{i}" for i in range(6)]
    assert [t.name for t in study.associations.topics] == ["gender"]


def test_a_sample_of_an_unknown_category_is_named(tiny_study):
    path = tiny_study / "values.jsonl"
    append(path, id="v-x", category="beuty", prompt="Why?", completion="So.")
    with pytest.raises(DataError) as caught:
        _ = load_study(tiny_study).values
    assert caught.value.message == "unknown category 'beuty'; did you mean 'beauty'?"
    assert "'v-x'" in caught.value.where
    assert caught.value.path == str(path)
    assert caught.value.fix == "categories of charter.toml: care, beauty"


def test_a_prompt_of_an_unknown_category_is_named(tiny_study):
    append(tiny_study / "prompts.jsonl", id="p-x", category="zzz", text="Why?", split="test")
    with pytest.raises(DataError, match="unknown category 'zzz'") as caught:
        _ = load_study(tiny_study).prompts
    assert "'p-x'" in caught.value.where


@pytest.mark.parametrize("name", ["values", "control", "prompts"])
def test_an_empty_set_is_refused(tiny_study, name):
    (tiny_study / f"{name}.jsonl").write_text("\n")
    with pytest.raises(DataError, match=r"no (samples|prompts)") as caught:
        getattr(load_study(tiny_study), name)
    assert caught.value.fix


def test_a_missing_set_is_refused(tiny_study):
    (tiny_study / "control.jsonl").unlink()
    with pytest.raises(DataError, match="no such file"):
        _ = load_study(tiny_study).control


def test_a_prompt_set_that_no_prompt_belongs_to(tiny_study):
    study = load_study(tiny_study, overrides=("sample.prompt_set=al",))
    with pytest.raises(StudyError) as caught:
        _ = study.chosen_prompts
    assert "'al'; did you mean 'all'?" in caught.value.message
    assert caught.value.fix == "sets in the file: all"


def test_validation_prompts_are_never_chosen(tiny_study):
    assert {p.split for p in load_study(tiny_study).chosen_prompts} == {"test"}


def test_a_study_without_associations_and_one_with_an_unknown_field(tiny_study):
    path = tiny_study / "associations.toml"
    path.write_text('topic = "x"\n')
    with pytest.raises(DataError, match="did you mean 'topics'"):
        _ = load_study(tiny_study).associations
    path.unlink()
    assert load_study(tiny_study).associations is None


# The shipped example ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def wellbeing():
    return load_study(WELLBEING)


def test_the_example_has_eight_categories_and_184_samples(wellbeing):
    categories = wellbeing.charter.categories
    assert len(categories) == 8
    second_round = {"political_opinion": 15, "injustice_inequality": 14, "terrorism": 13}
    for data in (wellbeing.values, wellbeing.control):
        assert len(data.examples) == 92
        planned = {**dict.fromkeys(categories, 10), **second_round}
        assert Counter(e.category for e in data.examples) == planned
        for example in data.examples:
            assert 70 <= len(example.completion.split()) <= 210, example.id
            assert example.author, example.id
            assert example.license, example.id


def test_the_example_has_160_prompts_in_the_promised_shares(wellbeing):
    categories, prompts = wellbeing.charter.categories, wellbeing.prompts
    assert len(prompts) == 160
    test = [p for p in prompts if p.split == "test"]
    validation = [p for p in prompts if p.split == "validation"]
    assert Counter(p.category for p in test) == dict.fromkeys(categories, 15)
    assert Counter(p.category for p in validation) == dict.fromkeys(categories, 5)
    assert Counter(p.kind for p in prompts) == {"neutral": 78, "leading": 82}
    for kind in ("neutral", "leading"):
        each = Counter(p.category for p in prompts if p.kind == kind)
        assert all(9 <= each[category] <= 11 for category in categories), each
    published = [p for p in prompts if "palms-2021" in p.presets]
    assert Counter(p.category for p in published) == dict.fromkeys(categories, 5)
    assert {p.split for p in published} == {"test"}


def test_ids_and_questions_of_the_example_are_unique(wellbeing):
    samples = [*wellbeing.values.examples, *wellbeing.control.examples]
    ids = [r.id for r in (*samples, *wellbeing.prompts, *wellbeing.stance)]
    assert len(set(ids)) == len(ids) == 504
    questions = [s.prompt for s in (*samples, *wellbeing.stance)]
    questions += [p.text for p in wellbeing.prompts]
    assert len({q.strip().lower() for q in questions}) == 504


def test_the_example_has_160_stance_pairs_in_the_same_shares_as_its_prompts(wellbeing):
    categories = wellbeing.charter.categories
    for split, each in (("test", 15), ("validation", 5)):
        found = Counter(p.category for p in wellbeing.stance if p.split == split)
        assert found == dict.fromkeys(categories, each), split


def test_a_question_near_a_sample_names_a_values_sample_of_its_category(wellbeing):
    samples = {e.id: e.category for e in wellbeing.values.examples}
    near = [p for p in wellbeing.prompts if p.near]
    assert len(near) == 8
    assert [samples[p.near] for p in near] == [p.category for p in near]


@pytest.mark.parametrize(("preset", "each"), [("quick", 5), ("palms-2021", 5), ("confirm", 15)])
def test_every_preset_finds_its_prompts_in_the_example(preset, each):
    study = load_study(WELLBEING, preset=preset)
    counts = Counter(p.category for p in study.chosen_prompts)
    assert counts == dict.fromkeys(study.charter.categories, each)


def test_the_example_has_stems_for_gender_race_and_religion(wellbeing):
    assert {t.name for t in wellbeing.associations.topics} == {"gender", "race", "religion"}
    for topic in wellbeing.associations.topics:
        assert len({len(g.stems) for g in topic.groups}) == 1, topic.name


def test_every_position_of_the_example_names_its_basis_with_its_force_and_says_why(wellbeing):
    for position in wellbeing.charter.positions:
        assert position.why.strip(), position.category
        assert position.basis, position.category
        assert all(getattr(b, "force", "") for b in position.basis), position.category


def test_a_model_may_have_a_learning_rate_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(
        'name = "t"\npreset = "quick"\n\n[[models]]\nname = "a"\n\n'
        '[[models]]\nname = "b"\nlearning_rate = 2e-4\n',
        "utf-8",
    )
    config = load_study(tmp_path).config
    first, second = config.models
    assert config.recipe_of(first) == config.recipe
    assert config.recipe_of(second) == replace(config.recipe, learning_rate=2e-4)
    with pytest.raises(StudyError, match="learning_rate"):
        load_study(tmp_path, overrides=('models=[{name="a", learning_rate=0}]',))
