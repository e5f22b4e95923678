"""The rating page with an image, a sound and a film, in a browser: shown, played, accessible."""

from __future__ import annotations

import pytest
from app import Clock
from browse import Live, begin, give, person, press, shown

from browser_checks import faults_of
from media_files import film, painter, png, table, wav
from mores.sample.imported.run import import_outputs

pytestmark = pytest.mark.browser
SEEN = """() => {
  const one = document.querySelector(".media img, .media audio, .media video");
  if (one.tagName === "IMG") return [one.tagName, one.naturalWidth, one.alt];
  return [one.tagName, Math.round(one.duration * 10) / 10, one.autoplay, one.controls];
}"""
READY = """() => {
  const one = document.querySelector(".media img, .media audio, .media video");
  if (!one) return false;  // the next page is on its way
  return one.tagName === "IMG" ? one.complete && one.naturalWidth > 0 : one.readyState >= 1;
}"""


@pytest.fixture
def live(tmp_path):
    (tmp_path / "a.vtt").write_text("WEBVTT\n\n00:00.000 --> 00:00.900\nTone\n", encoding="utf-8")
    study = painter(tmp_path, prompts=3, arms=("base", "values_targeted"), per_item=1, seats=1)
    rows = []
    for n, arm in enumerate(study.config.arms):
        made = {"png": png(n), "wav": wav(1.0, tone=300.0 + n), "mp4": film("mp4", 1.0 + n / 10)}
        for p, (ending, data) in enumerate(made.items(), 1):
            (tmp_path / f"{n}{p}.{ending}").write_bytes(data)
            said = "a.vtt" if ending == "mp4" else ""
            rows.append({"arm": arm, "prompt": f"p{p}", "file": f"{n}{p}.{ending}",
                         "alt": f"Answer {p}", "captions": said})  # fmt: skip
    import_outputs(study, table(tmp_path, rows))
    with Live(study, now=Clock()) as running:
        yield running


@pytest.mark.parametrize("script", [True, False])
def test_every_kind_is_shown_and_rated(browser, live, script):
    with person(browser, live, java_script_enabled=script) as page:
        begin(page, live.link())
        seen = {}
        for number in range(6):
            if script:
                page.wait_for_function(READY)
                kind, *about = page.evaluate(SEEN)
                if kind not in seen:
                    assert faults_of(page, kind) == []
                    page.set_viewport_size({"width": 1280, "height": 900})
                seen.setdefault(kind, about)
                if kind == "VIDEO":
                    assert (
                        page.evaluate("() => document.querySelector('video').textTracks[0].mode")
                        == "showing"
                    )
                if kind != "IMG":  # the keyboard reaches and starts it
                    player = page.locator(".media audio, .media video")
                    player.focus()
                    page.keyboard.press("Space")
                    page.wait_for_function(
                        "() => { const p = document.querySelector('.media audio, .media video');"
                        " return p.currentTime > 0 || p.ended; }"
                    )
                give(page, 1 + number % 5)
            else:
                media = page.locator(".media img, .media audio, .media video")
                media.first.wait_for(state="attached")
                assert media.count() == 1
                page.get_by_role("radio", name="3").check()
                press(page, "Save and next")
        if script:
            assert seen["IMG"] == [32, "Answer 1"]
            assert seen["AUDIO"][1:] == [False, True]
            assert seen["AUDIO"][0] == 1.0
            assert seen["VIDEO"][1:] == [False, True]
        assert page.url.endswith("/guess")
    assert len(live.events()) == 6


def test_shown_on_a_narrow_screen_in_another_script(browser, live):
    with person(browser, live, viewport={"width": 320, "height": 640}, locale="ar") as page:
        page.goto(live.link())
        page.locator("button.main").click()
        page.locator("button[value=agree]").click()
        page.locator("button.main").click()
        shown(page)
        assert page.locator(".media").count() == 1
        assert faults_of(page, "ar") == []
