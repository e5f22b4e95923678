"""Answers that are images in the report: shown beside the page, rated like texts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from browser_checks import Watch, faults_of
from media_files import film, painter, pictures, png, table, wav
from mores.errors import DataError
from mores.measure.coherence.run import coherence
from mores.measure.toxicity.run import toxicity
from mores.rate.ratings import add_ratings
from mores.report.run import report
from mores.sample.imported.run import import_outputs
from mores.sample.media import media_path, read_media
from mores.store import digest_file

RATED = {"base": (2, 3, 2), "values_targeted-s1": (4, 4, 5)}
"""By prompt; two raters who agree."""


@pytest.fixture
def study(tmp_path):
    made = painter(tmp_path, prompts=3, arms=("base", "values_targeted"))
    import_outputs(made, pictures(tmp_path, made))
    return made


def rate(study):
    rows = [
        {"completion_id": f"painter.{arm}.p{n}.d0", "rater": who, "value": value}
        for arm, values in RATED.items()
        for n, value in enumerate(values, 1)
        for who in ("ada", "bob")
    ]
    add_ratings(study, table(study.folder, rows, "ratings.csv"))


def test_ratings_of_images_are_estimated_as_those_of_texts(study):
    """Differences by prompt 2, 1, 3: mean 2, sd 1, t(2; .975) = 4.302653, so 2 ± 4.302653 / √3."""
    rate(study)
    estimates = {(e.measure, e.category): e for e in report(study).report.estimates if e.n}
    people = estimates["rating", "people"]
    assert (people.value, people.n) == (2.0, 3)
    assert (people.low, people.high) == pytest.approx((-0.484138, 4.484138), abs=1e-6)
    # Of 12 ratings: means 7/3 and 13/3, each arm's variance 4/15.
    d = estimates["rating/Cohen's d", "overall"]
    assert d.value == pytest.approx(2 / (4 / 15) ** 0.5)
    assert estimates["rating/Cliff's delta", "overall"].value == 1.0
    # 2 or below: two of three images of base, none of the other.
    assert estimates["rating/extreme answers", "base"].value == pytest.approx(2 / 3)
    assert estimates["rating/extreme answers", "values_targeted"].value == 0.0


def test_text_measures_say_that_they_do_not_apply(study):
    toxicity(study)
    coherence(study)
    written = report(study)
    missing = {m.what: m.why for m in written.report.missing}
    assert missing["Coherence of 6 answers of painter"] == "does not apply: image"
    assert missing["Stance"] == "its answers are imported, and nothing else can be asked of it"
    (scorer,) = written.report.toxicity
    assert [arm.scored for arm in scorer.arms] == [0, 0]
    assert "3 does not apply: image" in written.page.read_text("utf-8")
    assert written.report.opening is None


def test_files_lie_beside_a_small_page(study):
    written = report(study)
    text = written.page.read_text("utf-8")
    assert len(text.encode()) < 1_000_000
    files = sorted((written.page.parent / "media").iterdir())
    assert re.findall(r'<img class="media" loading="lazy" src="(media/[0-9a-f]{64}\.png)" '
                      r'alt="(Picture \d)">', text) == [
        (f"media/{read_media(study, 'painter')[f'painter.{arm}.p{n}.d0'].file}",
         f"Picture {n - 1 + 3 * (arm != 'base')}")
        for n in (1, 2, 3) for arm in RATED
    ]  # fmt: skip
    assert len(files) == 6
    assert all(digest_file(path) == f"sha256:{path.stem}" for path in files)
    before = {path: path.stat().st_mtime_ns for path in files}
    report(study)
    assert {path: path.stat().st_mtime_ns for path in files} == before  # copied once
    files[0].write_bytes(b"another")
    report(study)
    assert digest_file(files[0]) == f"sha256:{files[0].stem}"
    answers = [a for q in written.report.questions for a in q.answers]
    assert {a.media.kind for a in answers} == {"image"}


def test_a_page_of_texts_allows_no_files(tmp_path):
    study = painter(tmp_path, prompts=1, arms=("base", "values_targeted"))
    rows = [{"arm": a, "prompt": "p1", "text": f"{a} speaks"} for a in study.config.arms]
    import_outputs(study, table(tmp_path, rows))
    written = report(study)
    text = written.page.read_text("utf-8")
    assert "img-src data:; base-uri" in text
    assert "media-src" not in text
    assert not (written.page.parent / "media").exists()


def test_a_lost_file_stops_the_report_and_says_which(study):
    (first, *_) = read_media(study, "painter").values()
    media_path(study, first.file).unlink()
    with pytest.raises(DataError, match=first.file) as caught:
        report(study)
    assert "mores outputs import" in (caught.value.fix or "")


def until(page, what):
    """Wait for something to be true; the page's own policy allows no script that would wait."""
    for _ in range(400):
        if page.evaluate(what):
            return
        page.wait_for_timeout(50)
    pytest.fail(f"never true: {what}")


@pytest.mark.browser
def test_the_page_shows_and_plays_what_lies_beside_it(tmp_path, browser):
    study = painter(tmp_path, prompts=3, arms=("base", "values_targeted"))
    (tmp_path / "a.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:00.900\nTone\n", encoding="utf-8")
    rows = []
    for n, arm in enumerate(study.config.arms):
        for p, (end, data) in enumerate({"png": png(n), "wav": wav(), "mp4": film()}.items(), 1):
            (tmp_path / f"{n}.{end}").write_bytes(data)
            said = "a.vtt" if end == "mp4" else ""
            rows.append({"arm": arm, "prompt": f"p{p}", "file": f"{n}.{end}", "alt": f"Answer {p}",
                         "captions": said})  # fmt: skip
    import_outputs(study, table(tmp_path, rows))
    page_path: Path = report(study).page
    context = browser.new_context()
    watch = Watch(context, page_path.parent.as_uri())
    page = context.new_page()
    page.goto(page_path.as_uri())
    page.locator("img.media").first.scroll_into_view_if_needed()
    until(page, "document.querySelector('img.media').naturalWidth === 32")
    for kind in ("audio", "video"):
        page.evaluate(f"document.querySelector('{kind}.media').load()")
        page.locator(f"{kind}.media").first.evaluate("one => { one.preload = 'metadata' }")
        until(page, f"document.querySelector('{kind}.media').duration >= 1")
    until(page, "document.querySelector('track').readyState === 2")
    cue = "document.querySelector('video.media').textTracks[0].cues[0].text"
    assert page.evaluate(cue) == "Tone"
    assert [f for f in faults_of(page, "report") if "media" in f] == []
    watch.nothing()
    context.close()
