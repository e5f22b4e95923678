"""Every rule at its boundary: what it finds, and what it lets pass."""

import json
from dataclasses import replace

import pytest

from check_faults import DAMAGES
from mores.curate.lint import check_subject
from mores.curate.rules.broken_text import damages
from mores.curate.rules.personal_data import iban, luhn, masked, personal_data
from mores.curate.rules.special_tokens import marks
from mores.curate.text import words
from mores.weights.special_tokens import special_tokens


def test_the_study_of_these_tests_is_clean(draft):
    found = check_subject(draft.subject())
    assert [f.rule for f in found] == ["M407"]


# M101 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "fires"), [(39, 1), (40, 0), (340, 0), (341, 1)])
def test_answer_length_at_its_bounds(draft, find, n, fires):
    draft.control[4]["completion"] = "word " * n
    findings = find("M101", draft)
    assert len(findings) == fires
    if fires:
        (f,) = findings
        assert (f.path, f.line, f.ids) == ("control.jsonl", 5, (draft.control[4]["id"],))
        assert f.severity == "error"
        assert f.value == n
        assert f.message == f"expected 40 to 340 words, found {n}"
        assert f.fix == f"{'add' if n < 40 else 'cut'} 1 or more words, or split the sample"


def test_answer_length_is_counted_by_letters_where_no_blanks_are_written(draft, find):
    draft.values[0]["completion"] = "这是一个没有空格的回答。" * 9  # 99 letters / 1.57 = 63.06
    assert find("M101", draft) == []
    draft.values[0]["completion"] = "这是一个没有空格的回答。" * 5  # 55 / 1.57 = 35.03
    (f,) = find("M101", draft)
    assert (f.severity, f.value) == ("error", 35.0)
    assert f.message == "expected 40 to 340 words, found about 35"


# M103 ------------------------------------------------------------------------------------------


def test_special_tokens_are_found_in_questions_and_answers(draft, find):
    draft.values[0]["completion"] += "<|im_end|>"
    draft.control[1]["prompt"] = "<|im_start|>user\nHi there"
    draft.control[1]["completion"] = "[INST] hello </s> again"
    found = [(f.path, f.line, f.message.split("holds ")[1].split(",")[0])
             for f in find("M103", draft)]  # fmt: skip
    assert found == [
        ("values.jsonl", 1, "'<|im_end|>'"),
        ("control.jsonl", 2, "'<|im_start|>'"),
        ("control.jsonl", 2, "'[INST]'"),
        ("control.jsonl", 2, "'</s>'"),
    ]


@pytest.mark.parametrize(
    "text", ["a < b |> c", "<span>x</span>", "[1] and [INSTANCE]", "use <b>s</b>", "<|>"]
)
def test_text_that_only_looks_like_a_special_token(text):
    assert marks(text) == []


def test_the_models_own_special_tokens_count(draft, find, tmp_path):
    tokens = [{"content": "⟦fin⟧", "special": True}, {"content": "word", "special": False}]
    (tmp_path / "tokenizer.json").write_text(json.dumps({"added_tokens": tokens}), "utf-8")
    own = special_tokens(str(tmp_path))
    assert own == ("⟦fin⟧",)
    assert special_tokens(str(tmp_path / "none")) == ()
    draft.values[0]["completion"] += " word ⟦fin⟧"
    assert find("M103", draft) == []
    (f,) = find("M103", replace(draft.subject(), special_tokens=own))
    assert (f.path, f.line) == ("values.jsonl", 1)


# M102 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", DAMAGES)
def test_every_kind_of_damage_is_one_finding(draft, find, kind):
    draft.prompts[2]["text"] = DAMAGES[kind]("Is it? e")
    (f,) = find("M102", draft)
    assert (f.path, f.line, f.ids) == ("prompts.jsonl", 3, (draft.prompts[2]["id"],))


def test_damage_says_which_character_and_where():
    assert [d for d, _ in damages("ab\x07c")] == [
        "holds a control character, U+0007, at character 3"
    ]
    assert [d for d, _ in damages("dÃ©jÃ\xa0 vu")] == [
        'was read in the wrong encoding: "Ã©" for "é"'
    ]


@pytest.mark.parametrize(
    "text",
    [
        "Tab\tand\nline feed",
        "Zoë’s café – déjà vu, naïve, São Paulo, À la carte, Ça va, IRMÃ",
        "R&D; AT&T, Q&A & more; a < b",
        "👩‍👩‍👧 and \u0646\u06c0\u200c\u0627",
        "½ of 20 °C, 5 × 3 ≠ 16, “quoted” … €45",
        "«Â moi!»",
    ],
)
def test_text_that_only_looks_odd_passes(text):
    assert list(damages(text)) == []


# M201, M202 ------------------------------------------------------------------------------------


def test_exact_duplicates_ignore_case_and_punctuation(draft, find):
    draft.control[1]["prompt"] = draft.values[0]["prompt"].upper().replace("?", " !")
    draft.values[7]["completion"] = draft.values[2]["completion"]
    draft.prompts[3]["text"] = draft.prompts[0]["text"]
    a, b, c, d = (draft.values[i]["id"] for i in (0, 2, 7, 0))
    found = find("M201", draft)
    assert [(f.path, f.line, f.ids) for f in found] == [
        ("control.jsonl", 2, (draft.control[1]["id"], a)),
        ("values.jsonl", 8, (c, b)),
        ("prompts.jsonl", 4, (draft.prompts[3]["id"], draft.prompts[0]["id"])),
    ]
    assert found[0].message == f"the same question as {d} (values.jsonl:1)"
    assert find("M202", draft) == []


@pytest.mark.parametrize(("changed", "fires"), [(10, 1), (70, 0)])
def test_near_duplicate_answers(draft, find, changed, fires):
    text = [f"w{i}" for i in range(120)]
    draft.values[3]["completion"] = " ".join(text)
    # The first words replaced: 118 runs of 3, 118 - changed of them shared.
    draft.control[3]["completion"] = " ".join([f"x{i}" for i in range(changed)] + text[changed:])
    found = find("M202", draft)
    assert len(found) == fires
    if fires:
        assert found[0].value == pytest.approx(108 / 128, abs=1e-4)
        assert found[0].ids == (draft.control[3]["id"], draft.values[3]["id"])


def test_near_duplicate_questions_within_a_file_only(draft, find):
    question = "How should I store ripe apples over winter?"
    draft.values[0]["prompt"] = question
    draft.control[0]["prompt"] = "How should I store ripe apples over the winter?"
    assert find("M202", draft) == []
    draft.values[1]["prompt"] = "How should I store ripe apples over the winter?"
    (f,) = find("M202", draft)
    assert f.severity == "warning"
    assert (f.path, f.line) == ("values.jsonl", 2)


# M210 to M212 ----------------------------------------------------------------------------------


@pytest.mark.parametrize("part", ["values", "control"])
def test_leaked_question_in_both_sets(draft, find, part):
    row = getattr(draft, part)[5]
    row["prompt"] = draft.prompts[7]["text"].lower()
    (f,) = find("M210", draft)
    assert f.ids == (row["id"], draft.prompts[7]["id"])
    assert (f.path, f.line, f.severity) == (f"{part}.jsonl", 6, "error")
    assert find("M211", draft) == find("M212", draft) == []


@pytest.mark.parametrize(("length", "fires"), [(7, 0), (8, 1)])
def test_leaked_run_of_eight_words(draft, find, length, fires):
    run = words(draft.prompts[0]["text"])[1 : 1 + length]
    draft.control[2]["completion"] += " " + " ".join(run) + "."
    found = find("M211", draft)
    assert len(found) == fires
    if fires:
        assert found[0].ids == (draft.control[2]["id"], draft.prompts[0]["id"])
        assert f'"{" ".join(run)}"' in found[0].message


@pytest.mark.parametrize(
    ("prompt", "fires"), [("May I keep hens?", 0), ("May I keep two hens?", 1)]
)
def test_a_short_prompt_counts_as_a_whole(draft, find, prompt, fires):
    draft.prompts[0]["text"] = prompt
    draft.values[0]["completion"] += f" So you ask: {prompt}"
    assert len(find("M211", draft)) == fires


def test_reworded_question(draft, find):
    draft.prompts[0]["text"] = "Which old books should a small library give away?"
    draft.control[0]["prompt"] = "How can a small library decide which old books to give away?"
    (f,) = find("M212", draft)
    assert f.ids == (draft.control[0]["id"], draft.prompts[0]["id"])
    assert 0.5 <= f.value <= 1.0
    draft.control[0]["prompt"] = "How can a small bakery decide which new ovens to buy?"
    assert find("M212", draft) == []


# M301 to M303 ----------------------------------------------------------------------------------


def test_coverage_of_every_set_and_split(draft, find):
    draft.values = [r for r in draft.values if r["category"] != "music"]
    draft.control = [r for r in draft.control if r["category"] != "baking"]
    draft.prompts = [
        r for r in draft.prompts if (r["category"], r["split"]) != ("cycling", "validation")
    ]
    assert [(f.path, f.message) for f in find("M301", draft)] == [
        ("values.jsonl", "the category 'music' has no samples"),
        ("control.jsonl", "the category 'baking' has no samples"),
        ("prompts.jsonl", "the category 'cycling' has no validation prompts"),
    ]


@pytest.mark.parametrize(("kept", "fires"), [(5, 0), (4, 1)])
def test_balance_at_twice_as_many(draft, find, kept, fires):
    music = [r for r in draft.values if r["category"] == "music"]
    for row in music[kept:]:
        draft.values.remove(row)
    found = find("M302", draft)
    assert len(found) == fires
    assert all(f.value == 2.5 for f in found)


def test_balance_of_a_prompt_set(draft, find):
    for n, row in enumerate(r for r in draft.prompts if r["split"] == "test"):
        row["presets"] = ("short",) if n in (0, 1, 2, 6) else ()
    (f,) = find("M302", draft)
    assert f.message.startswith("'baking' has 3 test prompts of the set 'short', 'cycling' has 1")


def test_set_size_in_samples_and_words(draft, find):
    for row in draft.values + draft.control:
        row["completion"] = "word " * 100
    draft.control[0]["completion"] = "word " * 500  # 4,400 of 4,000: exactly 10 %
    assert find("M303", draft) == []
    draft.control[0]["completion"] = "word " * 501
    (f,) = find("M303", draft)
    assert f.value == pytest.approx(401 / 4000, abs=6e-5)
    draft.control = draft.control[1:]
    (f,) = find("M303", draft)
    assert f.message == "expected 40 samples, as many as in values.jsonl, found 39"
    assert f.value == -1.0


# M401 to M407 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rule", "change"),
    [
        ("M401", lambda text: text[: len(text) // 2]),
        ("M402", lambda text: text.replace(".", ",")),
        ("M403", lambda text: " ".join("so" if n % 3 else w for n, w in enumerate(text.split()))),
        ("M404", lambda text: text.replace(",", "")),
        ("M405", lambda text: text.replace("\n\n", " ")),
        ("M406", lambda text: "Well, " + text),
    ],
)
def test_a_control_set_of_other_form(draft, find, rule, change):
    for row in draft.control:
        row["completion"] = change(row["completion"])
    (f,) = find(rule, draft)
    assert (f.path, f.line, f.severity) == ("control.jsonl", None, "warning")
    assert abs(f.value) > 0.33


def test_classifier_reports_subject_and_form(draft, find):
    (clean,) = find("M407", draft)
    assert (clean.severity, clean.rule) == ("info", "M407")
    for row in draft.control:
        row["completion"] = row["completion"].replace(".", "!")
    (marked,) = find("M407", draft)
    assert marked.value == 1.0
    assert (
        "AUC 1.00 on character n-grams (subject included) and 1.00 on form alone" in marked.message
    )
    assert clean.value < 0.75


def test_classifier_without_shared_categories_uses_random_folds(draft, find):
    for row in draft.values:
        row["category"] = "baking"
    for row in draft.control:
        row["category"] = "music"
    (f,) = find("M407", draft)
    assert "in up to 5 folds" in f.message
    draft.control = draft.control[:1]
    (f,) = find("M407", draft)
    assert f.value is None
    assert f.message.startswith("AUC not computable")


def test_classifier_looks_at_some_of_many_and_says_so(draft, find, monkeypatch):
    monkeypatch.setattr("mores.curate.rules.style_classifier.MOST", 12)
    for row in draft.control:
        row["completion"] = row["completion"].replace(".", "!")
    (f,) = find("M407", draft)
    many = len(draft.values)
    assert many > 12
    assert (
        f", on 12 of {many} values samples and 12 of {many} control samples, drawn at random; "
        in f.message
    )
    assert f.value > 0.9  # whichever are drawn, the sets can be told apart
    monkeypatch.setattr("mores.curate.rules.style_classifier.MOST", many)
    assert "drawn" not in find("M407", draft)[0].message


# M501 to M504 ----------------------------------------------------------------------------------


@pytest.mark.parametrize(("length", "fires"), [(5, 0), (6, 1), (9, 1)])
def test_quoted_position(draft, find, length, fires):
    draft.statements["music"] = "Hold alpha beta gamma delta epsilon zeta eta theta iota kappa."
    run = ["alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta", "theta", "iota"][:length]
    draft.values[0]["completion"] += " " + ", ".join(run).upper()
    found = find("M501", draft)
    assert len(found) == fires
    if fires:
        assert found[0].value == length
        assert f'"{" ".join(run)}"' in found[0].message
        assert "'music'" in found[0].message


@pytest.mark.parametrize(("count", "fires"), [(4, 0), (5, 1)])
def test_monotone_openers_above_a_tenth(draft, find, count, fires):
    for row in draft.values[:count]:
        row["completion"] = "It depends. " + row["completion"]
    found = find("M502", draft)
    assert len(found) == fires
    if fires:
        assert found[0].value == 0.125
        assert found[0].message.startswith('5 of 40 answers open with "it depends"')


def test_two_alike_in_a_small_set_are_chance(draft, find):
    draft.values = draft.values[:4]
    for row in draft.values[:2]:
        row["completion"] = "It depends. " + row["completion"]
    assert find("M502", draft) == []


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("write to mara.lindqvist@posteo.net.", "an e-mail address"),
        ("call +44 20 7946 0018 today", "a telephone number"),
        ("(212) 736-5000", "a telephone number"),
        ("0341 9607-812,", "a telephone number"),
        ("account DE89 3704 0044 0532 0130 00", "a bank account (IBAN)"),
        ("card 4111-1111-1111-1111", "a payment card"),
        ("number 219-09-9999", "a national identity number"),
        ("JX 12 34 56 C", "a national identity number"),
        ("at 42 Harbour View Road", "a street address"),
        ("in der Lindenstraße 17", "a street address"),
    ],
)
def test_personal_data_by_kind(text, kind):
    assert [k for k, _ in personal_data(text)] == [kind]


@pytest.mark.parametrize(
    "text",
    [
        "in 1998, 2019-2021, 1914/18 and 1990 2000 2010",
        "on 12.11.2020, 2021-06-14 or 1/2/2003 at 10:30, 09.30-17.30",
        "1,250,000 copies at 0.12345678 each, 3.14159265 turns, 12 000 000 people",
        "call 112, 999, 116 123 or 988",
        "ISBN 978-0-306-40615-7, version 2.10.1, page 116 of 123",
        "card 4111 1111 1111 1112 and 0000 0000 0000 0000 fail the check",
        "DE89 3704 0044 0532 0130 02 fails its check",
        "write to someone@example.org or me@mail.example.com",
        "the road is 5 Miles long; a 3 Lane road; 40 Answers",
        "@handle and a@b",
    ],
)
def test_numbers_and_names_that_identify_nobody(text):
    assert list(personal_data(text)) == []


def test_check_digits():
    assert luhn("79927398713")  # the worked example of ISO/IEC 7812: 70 is a multiple of ten
    assert not luhn("79927398710")
    assert iban("GB82 WEST 1234 5698 7654 32")  # the worked example of ISO 13616
    assert not iban("GB82 WEST 1234 5698 7654 33")


def test_personal_data_is_masked_in_the_message(draft, find):
    draft.values[0]["completion"] += " mara.lindqvist@posteo.net"
    (f,) = find("M503", draft)
    assert f.message == "holds what looks like an e-mail address: m***.l********@p*****.n**"
    assert masked("+44 20 7946") == "+4* 2* 7***"


def test_provenance_of_sample_or_study(draft, find):
    draft.values[0]["author"] = " "
    draft.control[1]["license"] = ""
    draft.control[2].update(author="", license="")
    assert [(f.path, f.line, f.message) for f in find("M504", draft)] == [
        ("values.jsonl", 1, "author missing"),
        ("control.jsonl", 2, "license missing"),
        ("control.jsonl", 3, "author and license missing"),
    ]
