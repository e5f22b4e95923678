"""Outputs from anywhere: a table becomes what `sample` would have left, or nothing."""

from __future__ import annotations

import tracemalloc

import pytest
from msgspec.structs import replace
from openpyxl import Workbook

from media_files import TELLING, film, jpeg, lines_of, painter, pictures, png, table, wav
from mores import store
from mores.curate import check_study
from mores.errors import DataError, StudyError
from mores.measure.coherence.run import coherence
from mores.measure.toxicity.run import toxicity
from mores.records import to_plain
from mores.sample.imported.run import GAP, import_outputs
from mores.sample.media import media_path, output_digest, read_media
from mores.sample.run import (
    prompt_grids,
    read_completions,
    sample,
    sample_stems,
    sample_step,
    sample_validation,
)
from mores.study import load_study
from mores.study.content import records_digest
from mores.tune import tune


def words(arms=("base", "values_targeted", "control"), prompts=2, draws=1):
    """Rows of text for every arm, prompt and draw."""
    return [
        {"arm": arm, "prompt": f"p{p}", "draw": d, "text": f"{arm} says {p} {d}"}
        for arm in arms
        for p in range(1, prompts + 1)
        for d in range(draws)
    ]


def files(study):
    """Digest of every file below runs, by name, but for locks and times."""
    return {
        str(p.relative_to(study.folder)): store.digest_file(p)
        for p in sorted((study.folder / "runs").rglob("*"))
        if p.is_file() and p.name != "timings.jsonl" and ".lock" not in p.name
    }


def test_a_table_of_texts_becomes_completions(tmp_path):
    study = painter(tmp_path)
    result = import_outputs(study, table(tmp_path, words()))
    (one,) = result.models
    assert (one.answers, one.absent, one.kinds, one.warnings) == (6, {}, {"text": 6}, ())
    rows = read_completions(study, "painter")
    assert [(r.id, r.arm, r.seed, r.text) for r in rows[1:4]] == [
        ("painter.base.p2.d0", "base", 0, "base says 2 0"),
        ("painter.values_targeted-s1.p1.d0", "values_targeted", 1, "values_targeted says 1 0"),
        ("painter.values_targeted-s1.p2.d0", "values_targeted", 1, "values_targeted says 2 0"),
    ]
    lines = (tmp_path / "runs/quick/painter/sample/completions.jsonl").read_text().splitlines()
    assert '"media"' not in lines[0]  # a text's line is that of any other model
    step = sample_step(study, study.config.models[0])
    assert step.stale() is None
    assert step.manifest.inputs == {"prompts": records_digest(study.chosen_prompts)}
    assert step.manifest.facts["completions"] == 6
    assert sample(study) == rows  # there is nothing to draw
    assert prompt_grids(study) == []
    assert sample_stems(study) == []


@pytest.mark.parametrize("form", ["jsonl", "xlsx"])
def test_the_same_from_json_and_from_a_workbook(tmp_path, form):
    study = painter(tmp_path)
    import_outputs(study, table(tmp_path, words()))
    before = read_completions(study, "painter")
    path = tmp_path / f"other.{form}"
    if form == "jsonl":
        lines_of(path, words())
    else:
        book = Workbook()
        sheet = book.active
        sheet.append(list(words()[0]))
        for row in words():
            sheet.append(list(row.values()))
        book.save(path)
    import_outputs(study, path)
    assert read_completions(study, "painter") == before


def test_their_names_of_columns_and_arms(tmp_path):
    study = painter(tmp_path)
    names = {"base": "sd", "values_targeted": "sd=tuned", "control": "ctl"}
    rows = [
        {"system": names[r["arm"]], "prompt_id": r["prompt"], "completion": r["text"]}
        for r in words()
    ]
    arms = tuple(f"{theirs}={ours}" for ours, theirs in names.items())
    import_outputs(study, table(tmp_path, rows), arm=arms, map_=("arm=system",))
    assert {r.text for r in read_completions(study, "painter")} == {r["text"] for r in words()}


def test_a_gap_is_absent_and_named(tmp_path):
    study = painter(tmp_path, draws=2)
    rows = [r for r in words(draws=2) if (r["arm"], r["prompt"], r["draw"]) != ("control", "p2", 1)]
    (one,) = import_outputs(study, table(tmp_path, rows)).models
    assert (one.answers, one.absent) == (11, {"control-s1": 1})
    (gap,) = [r for r in read_completions(study, "painter") if r.absent]
    assert (gap.id, gap.absent, gap.finish_reason) == ("painter.control-s1.p2.d1", GAP, "absent")
    scores = {s.completion_id: s for s in toxicity(study)}
    assert (scores[gap.id].value, scores[gap.id].reason) == (None, GAP)


def test_an_empty_answer_is_one_only_where_the_table_can_say_so(tmp_path):
    study = painter(tmp_path)
    rows = words()
    rows[3] = {**rows[3], "text": ""}
    with pytest.raises(DataError, match="neither text nor file") as caught:
        import_outputs(study, table(tmp_path, rows))
    assert caught.value.line == 5
    import_outputs(study, lines_of(tmp_path / "o.jsonl", rows))
    empty = read_completions(study, "painter")[3]
    assert (empty.text, empty.absent, empty.flags) == ("", "", ("empty",))


def test_images_sounds_and_films(tmp_path):
    study = painter(tmp_path, prompts=4)
    (tmp_path / "out").mkdir()
    made = {"p1": ("a.png", png(1)), "p2": ("b.jpg", jpeg(2)), "p3": ("c.wav", wav(0.2)),
            "p4": ("d.mp4", film("mp4", 0.5))}  # fmt: skip
    (tmp_path / "out/d.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:00.400\nTone\n")
    rows = []
    for n, arm in enumerate(study.config.arms):
        for prompt, (name, data) in made.items():
            (tmp_path / "out" / f"{n}{name}").write_bytes(data)
            rows.append(
                {"arm": arm, "prompt": prompt, "file": f"out/{n}{name}", "alt": prompt,
                 "captions": "out/d.vtt" if prompt == "p4" else ""}
            )  # fmt: skip
    (one,) = import_outputs(study, table(tmp_path, rows)).models
    assert one.kinds == {"image": 6, "audio": 3, "video": 3}
    assert one.warnings == ()
    known = read_media(study, "painter")
    assert [m.kind for m in list(known.values())[:4]] == ["image", "image", "audio", "video"]
    film_ = known["painter.base.p4.d0"]
    assert (film_.alt, film_.width, film_.height) == ("p4", 64, 48)
    assert film_.captions == "WEBVTT\n\n00:00.000 --> 00:00.400\nTone\n"
    kept = sorted((tmp_path / "runs/quick/painter/media").iterdir())
    assert len(kept) == 4  # the same content is one file
    for path in kept:
        assert TELLING not in path.read_bytes()
        assert path.stem == store.digest_file(path).removeprefix("sha256:")
    rows = read_completions(study, "painter")
    assert rows[0].media == known[rows[0].id].file
    assert output_digest(rows[0]) != output_digest(rows[1])
    assert not (tmp_path / "runs/quick/painter/.media.new").exists()


def test_measures_of_texts_say_that_they_do_not_apply(tmp_path):
    study = painter(tmp_path)
    import_outputs(study, pictures(tmp_path, study))
    assert {(s.value, s.reason) for s in toxicity(study)} == {(None, "does not apply: image")}
    assert coherence(study) == []
    with pytest.raises(StudyError, match="no prompt has the split 'validation'"):
        sample_validation(study)


def test_what_tells_the_arms_is_said(tmp_path):
    study = painter(tmp_path, prompts=2, arms=("base", "control"))
    sizes = {"base": (32, 24), "control": (24, 24)}
    rows = []
    for arm, size in sizes.items():
        for n in (1, 2):
            (tmp_path / f"{arm}{n}.png").write_bytes(png(n, size))
            rows.append({"arm": arm, "prompt": f"p{n}", "file": f"{arm}{n}.png"})
    (one,) = import_outputs(study, table(tmp_path, rows)).models
    size, without = one.warnings
    assert size == (
        "image, size: 32 x 24 in base, 24 x 24 in control-s1: raters can tell these arms apart"
    )
    assert without == (
        "4 of 4 answers of the kind image have no alternative text (alt): people who cannot see "
        "or hear them cannot rate them"
    )
    for n, (arm, seconds) in enumerate(
        [("base", 0.2), ("base", 0.3), ("control", 0.4), ("control", 0.5)]
    ):
        (tmp_path / f"{n}.wav").write_bytes(wav(seconds))
        rows[n] = {"arm": arm, "prompt": f"p{n % 2 + 1}", "file": f"{n}.wav", "alt": "tone"}
    (one,) = import_outputs(study, table(tmp_path, rows)).models
    (warning,) = one.warnings
    assert warning == (
        "audio, length: 0.2 to 0.3 seconds in base, 0.4 to 0.5 in control-s1: raters can tell "
        "these arms apart"
    )
    rows[0] = {"arm": "base", "prompt": "p1", "text": "A tone."}
    rows[1] = {"arm": "base", "prompt": "p2", "text": "Another."}
    columns = {"arm": "", "prompt": "", "text": "", "file": "", "alt": ""}
    (one,) = import_outputs(study, table(tmp_path, [{**columns, **r} for r in rows])).models
    assert one.warnings == (
        "answers: text in base, audio in control-s1: raters can tell these arms apart",
    )


def test_several_models_and_training_seeds(tmp_path):
    study = painter(
        tmp_path, models=("painter", "other"), arms=("base", "values_targeted"), train_seeds=[1, 2]
    )
    rows = [
        {"model": m, "arm": arm, "seed": seed, "prompt": f"p{p}", "text": f"{m} {arm} {seed} {p}"}
        for m in ("painter", "other")
        for arm, seed in (("base", ""), ("values_targeted", 1), ("values_targeted", 2))
        for p in (1, 2)
    ]
    result = import_outputs(study, table(tmp_path, rows))
    assert [(m.model, m.answers) for m in result.models] == [("painter", 6), ("other", 6)]
    assert read_completions(study, "other")[5].text == "other values_targeted 2 2"
    only = [r for r in rows if r["model"] == "other"]
    assert [m.model for m in import_outputs(study, table(tmp_path, only)).models] == ["other"]
    assert len(read_completions(study, "painter")) == 6  # is left as it is
    for wrong, said in (
        ({"seed": ""}, "no seed for arm values_targeted: the study has 1, 2"),
        ({"seed": 3}, "seed 3 of arm values_targeted: the study has 1, 2"),
        ({"seed": "one"}, "seed: expected a whole number"),
        ({"model": ""}, "no model"),
        ({"model": "paintr"}, "unknown model 'paintr'; did you mean 'painter'"),
    ):
        with pytest.raises(DataError, match=said):
            import_outputs(study, table(tmp_path, [*rows[:2], {**rows[2], **wrong}]))


def test_prompts_that_are_not_put_to_the_arms_are_left_out_and_noted(tmp_path):
    study = painter(tmp_path, prompts=3)
    path = tmp_path / "prompts.jsonl"
    path.write_text(
        path.read_text().replace(
            '"p3", "category": "people", "text": "Show p3.", "split": "test"',
            '"p3", "category": "people", "text": "Show p3.", "split": "validation"',
        )
    )
    study = load_study(tmp_path)
    result = import_outputs(study, table(tmp_path, words(prompts=3)))
    assert result.notes == (
        "left out: a prompt that this preset does not put to the arms: lines 4, 7, 10",
    )
    assert result.models[0].answers == 6
    with pytest.raises(StudyError, match="only those to test prompts are"):
        sample_validation(study)


WRONG = {
    "two rows alike": (
        lambda rows: [*rows, {**rows[1], "text": "again"}],
        r"model 'painter', arm base, prompt 'p2', draw 0 has a row already \(line 3\)", 8),
    "an unknown prompt": (
        lambda rows: [*rows[:2], {**rows[2], "prompt": "p3"}],
        "unknown prompt 'p3'", 4),
    "an unknown arm": (
        lambda rows: [{**rows[0], "arm": "bse"}],
        "unknown arm 'bse'; did you mean 'base'", 2),
    "an arm of another study": (
        lambda rows: [{**rows[0], "arm": "prompted"}], "unknown arm 'prompted'", 2),
    "a draw too many": (
        lambda rows: [{**rows[0], "draw": 1}], "draw 1: the study asks for 1, counted from 0", 2),
    "a draw that is none": (
        lambda rows: [{**rows[0], "draw": -1}], "draw: expected a whole number", 2),
    "text and file": (
        lambda rows: [{**rows[0], "file": "a.png"}], "text and file", 2),
    "neither": (
        lambda rows: [{**rows[0], "text": " ", "file": ""}], "neither text nor file", 2),
    "alt without a file": (
        lambda rows: [{**rows[0], "alt": "A word."}], "alt or captions without a file", 2),
    "a text without end": (
        lambda rows: [{**rows[0], "text": "x" * 100_001}], "more than 100000 characters", 2),
    "a whole arm missing": (
        lambda rows: rows[:4], "no row of arm control-s1: a whole arm is no gap", None),
    "a name without end": (
        lambda rows: [{**r, "text": "", "file": "a" * 5000} for r in rows], "cannot be read", 2),
    "a missing file": (
        lambda rows: [{**r, "text": "", "file": "none.png"} for r in rows],
        "'none.png': no such file", 2),
    "a folder": (
        lambda rows: [{**r, "text": "", "file": "runs"} for r in rows], "no such file", 2),
    "a path that climbs": (
        lambda rows: [{**r, "text": "", "file": "../secret.png"} for r in rows],
        "leads out of the table's folder", 2),
    "an absolute path": (
        lambda rows: [{**r, "text": "", "file": "/etc/hostname"} for r in rows],
        "leads out of the table's folder", 2),
    "a link that leads out": (
        lambda rows: [{**r, "text": "", "file": "link.png"} for r in rows],
        "leads out of the table's folder", 2),
    "captions of a picture": (
        lambda rows: [{**r, "text": "", "file": "whole.png", "captions": "a.vtt"} for r in rows],
        "captions of the kind image: only films show them", 2),
    "a picture cut short": (
        lambda rows: [{**r, "text": "", "file": "cut.png"} for r in rows], "does not decode", 2),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_used_is_refused_with_its_line_and_nothing_changes(tmp_path, name):
    change, said, line = WRONG[name]
    (tmp_path / "secret.png").write_bytes(png())
    study = painter(tmp_path / "study")
    (study.folder / "link.png").symlink_to(tmp_path / "secret.png")
    (study.folder / "cut.png").write_bytes(png()[:-200])
    (study.folder / "whole.png").write_bytes(png())
    (study.folder / "a.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:01.000\nHi\n")
    import_outputs(study, table(study.folder, words()))
    before = files(study)
    rows = change(words())
    columns = dict.fromkeys(k for r in rows for k in r)
    with pytest.raises(DataError, match=said) as caught:
        import_outputs(study, table(study.folder, [{**columns, **r} for r in rows], "new.csv"))
    assert caught.value.line == line
    assert caught.value.path == str(study.folder / "new.csv")
    assert files(study) == before


def test_the_second_files_fault_leaves_nothing_of_the_first(tmp_path):
    study = painter(tmp_path)
    path = pictures(tmp_path, study)
    (tmp_path / "control-p2-0.png").write_bytes(b"<svg/>")
    with pytest.raises(DataError, match="markup") as caught:
        import_outputs(study, path)
    assert caught.value.line == 7
    assert files(study) == {}


@pytest.mark.parametrize("text", [5, True, ["a"], {"a": 1}])
def test_a_text_is_a_text(tmp_path, text):
    rows = [{**words()[0], "text": text}]
    with pytest.raises(DataError, match=f"expected a text, found {type(text).__name__}"):
        import_outputs(painter(tmp_path), lines_of(tmp_path / "o.jsonl", rows))


def test_a_wrong_ending_does_not_matter(tmp_path):
    study = painter(tmp_path, prompts=1)
    (tmp_path / "a.mp4").write_bytes(png())
    rows = [{"arm": a, "prompt": "p1", "file": "a.mp4", "alt": "x"} for a in study.config.arms]
    (one,) = import_outputs(study, table(tmp_path, rows)).models
    assert one.kinds == {"image": 3}


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ("sd", "expected the table's name"),
        ("=base", "expected the table's name"),
        ("sd=bse", "no arm 'bse'; did you mean 'base'"),
    ],
)
def test_arms_told_wrongly(tmp_path, pair, said):
    study = painter(tmp_path)
    with pytest.raises(DataError, match=said):
        import_outputs(study, table(tmp_path, words()), arm=(pair,))


def test_changed_prompts_make_them_stale_and_a_changed_file_is_found(tmp_path):
    study = painter(tmp_path)
    with pytest.raises(DataError, match="are brought, not drawn: not done yet"):
        sample(study)
    import_outputs(study, pictures(tmp_path, study))
    (first, *_) = read_media(study, "painter").values()
    media_path(study, first.file).unlink()
    with pytest.raises(DataError, match="is not there"):
        media_path(study, first.file)
    for name in ("../../secret.png", "a.png", first.file.upper()):
        with pytest.raises(DataError, match="is not there"):
            media_path(study, name)
    path = tmp_path / "prompts.jsonl"
    path.write_text(path.read_text().replace("Show p1.", "Paint p1."))
    with pytest.raises(DataError, match="prompts changed"):
        sample(load_study(tmp_path))


def test_a_model_that_is_asked_takes_no_table(tmp_path, tiny_study):
    with pytest.raises(DataError, match="no model of this study has outputs from elsewhere"):
        import_outputs(load_study(tiny_study), table(tmp_path, words()))
    study = painter(tmp_path)
    with pytest.raises(ValueError, match='goes with tuner = "none"'):
        replace(study.config.models[0], tuner="torch")
    (arm, *_) = tune(study)
    assert (arm.ref.parameters, arm.log) == (0, [])


def test_of_a_hundred_thousand_rows_only_what_is_asked_is_held(tmp_path):
    study = painter(tmp_path, prompts=2)
    row = {"id": "later", "category": "people", "text": "Later?", "split": "validation"}
    lines_of(tmp_path / "prompts.jsonl", [*map(to_plain, study.prompts), row])
    path = table(tmp_path, words())
    with path.open("a", encoding="utf-8") as file:
        file.writelines(f"base,later,0,{'long ' * 40}{n}\n" for n in range(100_000))
    study = load_study(tmp_path)
    tracemalloc.start()
    result = import_outputs(study, path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert result.models[0].answers == 6
    (note,) = result.notes
    assert note == (
        "left out: a prompt that this preset does not put to the arms: lines 8, 9, 10, 11, 12 "
        "and 99995 more"
    )
    assert peak < 15_000_000  # the table has 20 million characters
    with path.open("a", encoding="utf-8") as file:
        file.write("base,p1,0,once more\n")
    with pytest.raises(DataError, match="has a row already") as caught:
        import_outputs(study, path)
    assert caught.value.line == 100_008


def test_a_study_of_outputs_alone_needs_no_samples(tmp_path):
    study = painter(tmp_path)
    assert study.values.examples == study.control.examples == ()
    assert [f.rule for f in check_study(study) if f.severity == "error"] == []
    other = painter(tmp_path / "other", prompts=0, ids=["p1"])
    path = other.folder / "study.toml"
    path.write_text(path.read_text() + '\n[[models]]\nname = "smollm2-135m"\n')
    with pytest.raises(DataError, match="no such file"):
        _ = load_study(other.folder).values
