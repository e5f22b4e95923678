"""Images, sounds and films in the rating app: who gets which bytes, and what they do not say."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing

import pytest
import sqlalchemy as sa
from app import Clock, client, consent, join, make_site, next_form, owner, rate_all, rate_one

from media_files import TELLING, film, painter, pictures, png, table, wav
from mores.errors import DataError
from mores.rate.blind import blind, read_key
from mores.rate.compare import compared
from mores.rate.db.tables import item_flag, item_media
from mores.rate.export.rows import export_rows
from mores.rate.judge.items import judge_items
from mores.rate.judge.result import verdicts
from mores.rate.ratings import current_ratings
from mores.rate.unblind import unblind
from mores.rate.verify import verify
from mores.sample.imported.run import import_outputs
from mores.sample.media import KINDS, media_path, read_media
from mores.study import folders
from mores.study.judges import Judge

VTT = "WEBVTT\n\n00:00.000 --> 00:00.400\nTone\n"


@pytest.fixture
def study(tmp_path):
    """Three prompts: an image, a sound, a film with captions; each of three arms its own."""
    made = painter(tmp_path, prompts=3, seats=2, per_item=2)
    (tmp_path / "a.vtt").write_text(VTT, encoding="utf-8")
    rows = []
    for n, arm in enumerate(made.config.arms):
        contents = {
            "png": png(n),
            "wav": wav(0.2, tone=200.0 + n),
            "mp4": film("mp4", 0.5 + n / 10),
        }
        for p, (ending, data) in enumerate(contents.items(), 1):
            (tmp_path / f"{arm}{p}.{ending}").write_bytes(data)
            rows.append(
                {"arm": arm, "prompt": f"p{p}", "file": f"{arm}{p}.{ending}", "alt": f"Made {p}",
                 "captions": "a.vtt" if ending == "mp4" else ""}
            )  # fmt: skip
    import_outputs(made, table(tmp_path, rows))
    return made


@pytest.fixture
def site(study):
    made = make_site(study, now=Clock())
    with closing(made.database):
        yield made


def kinds(site):
    """Item id → kind of its file."""
    with site.database.read() as tx:
        return {row.item: row.kind for row in tx.execute(sa.select(item_media))}


def held(me):
    return next_form(me)["item"]


def test_an_item_carries_its_file_by_content_and_nothing_of_the_arm(study):
    items, key = blind(study)
    arms = {k.item_id: k for k in key}
    for one in items:
        assert one.output == ""
        assert set(one.media.file[:64]) <= set("0123456789abcdef")
        known = read_media(study, "painter")[arms[one.id].completion_id]
        assert (one.media.file, one.media.kind, one.media.alt) == (
            known.file,
            known.kind,
            known.alt,
        )
    first = media_path(study, items[0].media.file)
    first.write_bytes(first.read_bytes() + b"x")
    with pytest.raises(DataError, match="was changed since it was imported"):
        blind(study)


def test_pages_show_players_that_work_without_a_script(site):
    me = join(site)
    consent(me)
    of, seen = kinds(site), Counter()
    while form := next_form(me):
        name, text = form["item"], me.get("/rate").text
        kind = of[name]
        tag = {"image": "img", "audio": "audio", "video": "video"}[kind]
        (shown,) = re.findall(rf"<{tag} [^>]*>", text)
        assert f'src="/media/{name}"' in shown
        assert "autoplay" not in text
        assert ("controls" in shown) == (kind != "image")
        assert ("Made 1" in shown) if kind == "image" else ('aria-label="' in shown)
        assert (f'<track kind="captions" src="/media/{name}/captions"' in text) == (kind == "video")
        assert "(There is no text.)" not in text
        rate_one(me)
        seen[kind] += 1
    assert seen == {"image": 3, "audio": 3, "video": 3}
    guess = me.get("/guess").text
    assert len(set(re.findall(r'src="/media/([0-9a-f]{16})"', guess))) == 6


def test_bytes_are_of_the_item_and_say_nothing_else(study, site):
    me = join(site)
    consent(me)
    key = {k.item_id: k.completion_id for k in read_key(study, site.facts.key_digest)}
    known, of = read_media(study, "painter"), kinds(site)
    headers = {}
    while form := next_form(me):
        name = form["item"]
        answer = me.get(f"/media/{name}")
        path = media_path(study, known[key[name]].file)
        assert (answer.status_code, answer.content) == (200, path.read_bytes())
        assert TELLING not in answer.content
        assert answer.headers["content-type"] == KINDS[path.suffix[1:]][1]
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["cache-control"] == "no-store"
        assert "sandbox" in answer.headers["content-security-policy"]
        assert "default-src 'none'" in answer.headers["content-security-policy"]
        # But for their length, all of one kind are sent alike, whatever the arm.
        rest = {k: v for k, v in answer.headers.items() if k != "content-length"}
        assert headers.setdefault(of[name], rest) == rest
        assert not {"etag", "last-modified"} & set(rest)
        assert path.name not in str(answer.headers) + me.get("/rate").text
        rate_one(me)


@pytest.mark.parametrize(
    ("asked", "status", "span"),
    [
        ("bytes=0-9", 206, (0, 10)),
        ("bytes=10-", 206, (10, None)),
        ("bytes=-5", 206, (-5, None)),
        ("bytes=0-99999999", 206, (0, None)),
        ("bytes=5-4", 416, None),
        ("bytes=99999999-", 416, None),
        ("bytes=-0", 416, None),
        ("bytes=0-1,4-5", 200, (0, None)),
        ("bytes=x", 200, (0, None)),
        ("lines=0-1", 200, (0, None)),
        ("bytes=-", 200, (0, None)),
    ],
)
def test_parts_of_a_file(site, asked, status, span):
    me = join(site)
    consent(me)
    name = held(me)
    whole = me.get(f"/media/{name}").content
    answer = me.get(f"/media/{name}", headers={"range": asked})
    assert answer.status_code == status
    if span is None:
        assert answer.headers["content-range"] == f"bytes */{len(whole)}"
        return
    part = whole[slice(*span)]
    assert answer.content == part
    assert answer.headers["content-length"] == str(len(part))
    assert answer.headers["accept-ranges"] == "bytes"
    if status == 206:
        start = whole.index(part) if len(part) > 8 else len(whole) - len(part)
        assert (
            answer.headers["content-range"] == f"bytes {start}-{start + len(part) - 1}/{len(whole)}"
        )


def test_nobody_gets_what_was_not_given_to_them(study, site):
    ada, bob, boss = join(site), join(site, label="Bob"), owner(site)
    consent(ada)
    consent(bob)
    mine, others = held(ada), held(bob)
    assert mine != others
    films = [name for name, kind in kinds(site).items() if kind == "video"]
    assert ada.get(f"/media/{mine}").status_code == 200
    for who, name in ((ada, others), (bob, mine), (boss, mine), (ada, "f" * 16)):
        assert who.get(f"/media/{name}").status_code == 404
        assert who.get(f"/media/{name}/captions").status_code == 404

    assert client(site).get(f"/media/{mine}").status_code == 401
    rate_all(ada)
    assert ada.get(f"/media/{mine}").status_code == 200  # to change an answer
    for name in films:
        answer = ada.get(f"/media/{name}/captions")
        assert (answer.text, answer.headers["content-type"]) == (VTT, "text/vtt; charset=utf-8")
    assert (
        ada.get(f"/media/{next(n for n in kinds(site) if n not in films)}/captions").status_code
        == 404
    )
    rate_all(bob)
    unblind(site.database, study, who="Grace", now=site.now())
    assert boss.get(f"/media/{mine}").status_code == 200
    page = boss.get("/owner/compare").text
    assert len(re.findall(r'(?:src)="/media/([0-9a-f]{16})"', page)) == 9
    with site.database.read() as tx:
        cells = [cell for row in compared(tx, site.facts, study) for cell in row.cells]
    assert Counter(cell.media["kind"] for cell in cells) == {"image": 3, "audio": 3, "video": 3}


def test_a_lost_file_is_a_plain_refusal(study, site):
    me = join(site)
    consent(me)
    name = held(me)
    with site.database.read() as tx:
        file = tx.execute(sa.select(item_media.c.file).where(item_media.c.item == name)).scalar()
    media_path(study, file).unlink()
    assert me.get(f"/media/{name}").status_code == 404
    assert me.get("/rate").status_code == 200
    assert verify(site.database, study).problems == (
        f"{file}: the file {file!r} of an answer is not there",
    )


def test_exports_hold_references_and_open_them_after_unblinding(study, site):
    me = join(site)
    consent(me)
    rate_all(me)
    before = export_rows(site.database)
    assert Counter(row.media for row in before) == {"image": 3, "audio": 3, "video": 3}
    assert {row.media_file for row in before} == {None}
    unblind(site.database, study, who="Grace", now=site.now())
    known = read_media(study, "painter")
    after = export_rows(site.database)
    assert {row.completion_id: row.media_file for row in after} == {
        name: m.file for name, m in known.items()
    }
    assert verify(site.database, study).problems == ()


def test_ratings_belong_to_the_file_that_was_rated(study, site):
    for name in ("Ada", "Bob"):
        me = join(site, label=name)
        consent(me)
        rate_all(me)
    unblind(site.database, study, who="Grace", now=site.now())
    assert len(current_ratings(study)[0]) == 18
    (study.folder / "base1.png").write_bytes(png(99))
    import_outputs(study, study.folder / "outputs.csv")
    ratings, outdated = current_ratings(study)
    assert (len(ratings), outdated) == (16, 2)


def test_an_alternative_text_that_names_the_model_is_marked(tmp_path):
    study = painter(tmp_path, prompts=1)
    path = pictures(tmp_path, study)
    path.write_text(path.read_text().replace("Picture 1", "I am ChatGPT"))
    import_outputs(study, path)
    site = make_site(study, now=Clock())
    with closing(site.database), site.database.read() as tx:
        assert [row.found for row in tx.execute(sa.select(item_flag))] == ["ChatGPT"]


def test_no_language_model_is_asked_of_an_image(study):
    items = judge_items(study)
    assert [(one.apart, len(one.completions)) for one in items] == [
        ("does not apply: image", 3),
        ("does not apply: audio", 3),
        ("does not apply: video", 3),
    ]
    judge = Judge(name="j", family="f", model="m")
    ratings, absent = verdicts(judge, items, {}, seed=1)
    assert ratings == []
    assert Counter(a.reason for a in absent) == {one.apart: 3 for one in items}


def test_the_database_names_no_arm(site, study):
    assert folders.rating_folder(study).exists()
    with site.database.read() as tx:
        text = repr([tuple(row) for row in tx.execute(sa.select(item_media))])
    for word in ("base", "values", "control", "painter"):
        assert word not in text
