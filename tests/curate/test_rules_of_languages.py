"""Rules of `mores check` in languages other than English."""

from msgspec.structs import replace

from mores.curate.lint import check_subject
from mores.curate.lint.subject import as_subject
from mores.curate.rules.language_words import words_of
from mores.curate.rules.personal_data import personal_data
from mores.records import Dataset

SPANISH = "¿Qué puedo hacer si mi hermano no quiere ir al médico?"
ARABIC = "ماذا أفعل إذا كان ابني لا يريد الذهاب إلى المدرسة؟"
CHINESE = "如果你最近睡不好，先看看晚上几点喝咖啡，睡前看多久手机。"


def in_language(draft, tag):
    subject = draft.subject(pairs=True)
    return as_subject(
        replace(subject.charter, language=tag),
        Dataset(name="values", examples=tuple(i.record for i in subject.values)),
        Dataset(name="control", examples=tuple(i.record for i in subject.control)),
        tuple(i.record for i in subject.prompts),
        tuple(i.record for i in subject.pairs),
    )


def told(findings, text="not checked in this language"):
    return [(f.rule, f.severity) for f in findings if text in f.message]


def test_a_text_in_an_undeclared_language_is_named_with_what_was_found(draft, find):
    draft.prompts[2]["text"] = SPANISH
    draft.control[1]["completion"] = ARABIC * 4
    found = find("M104", draft)
    assert [(f.ids, f.message) for f in found] == [
        ((draft.control[1]["id"],), f'expected en, found ar in the answer: "{(ARABIC * 4)[:59]}…"'),
        ((draft.prompts[2]["id"],), f'expected en, found es in the question: "{SPANISH}"'),
    ]
    assert all(f.severity == "error" for f in found)


def test_a_prompt_may_declare_its_own_language(draft, find):
    draft.prompts[2].update(text=SPANISH, language="es-MX")
    assert find("M104", draft) == []
    draft.prompts[2]["text"] = ARABIC
    (found,) = find("M104", draft)
    assert found.message.startswith("expected es-MX, found ar in the question")


def test_english_says_nothing_of_what_is_not_checked(draft):
    assert told(check_subject(draft.subject())) == []


def test_each_rule_says_once_what_it_does_not_check(draft):
    def rules(tag):
        return {rule for rule, severity in told(check_subject(in_language(draft, tag)))}

    assert rules("es") == rules("ar") == {"M408"}
    assert rules("de") == {"M408", "M409", "M503"}
    assert rules("pl") == {"M202", "M212", "M408", "M409", "M503"}  # no stemmer
    assert rules("nah") == {"M104", "M202", "M212", "M408", "M409", "M503"}
    words = {"M202", "M211", "M212", "M403", "M406", "M501", "M502"}
    assert rules("ja") == words | {"M408", "M409", "M503"}
    every = told(check_subject(in_language(draft, "ja")))
    assert len(every) == len({rule for rule, _ in every}) + 1  # M409: first words, words for no
    assert {severity for _, severity in every} == {"info"}


def test_negations_are_those_of_the_language(draft, find):
    assert words_of("fr") is None
    for n, row in enumerate(draft.pairs):
        row["aligned"] = f"Eso no lo decide nadie más que tú, palabra{n}."
        row["opposed"] = f"Eso ya lo decide otro mejor que tú, palabra{n}."
    (found,) = [f for f in find("M409", in_language(draft, "es")) if "negations" in f.message]
    assert found.message == (
        "the aligned answer has more negations in 20 of 20 pairs that differ in them"
    )
    for n, row in enumerate(draft.pairs):
        row["aligned"] = f"هذا القرار ليس لأحد غيرك ولن يكون كلمة{n}"
        row["opposed"] = f"هذا القرار دائما لأهلك وسوف يكون كلمة{n}"
    (found,) = [f for f in find("M409", in_language(draft, "ar")) if "negations" in f.message]
    assert found.message.startswith("the aligned answer has more negations in 20 of 20")


def test_personal_data_of_spanish_and_arabic_texts():
    spanish = "Vivo en la calle de Alcalá, 45, mi DNI es 12345678Z y mi correo es ana@correo.es."
    assert dict(personal_data(spanish, "es")) == {
        "an e-mail address": "ana@correo.es",
        "a national identity number": "12345678Z",
        "a street address": "calle de Alcalá, 45",
    }
    arabic = "أسكن في شارع الملك فيصل رقم ٤٥ ورقمي القومي ٢٩٠٠١٠١١٢٣٤٥٦٧ وهاتفي +٢٠ ١٠٠ ١٢٣ ٤٥٦٧"
    assert dict(personal_data(arabic, "ar")) == {
        "a national identity number": "29001011234567",
        "a street address": "شارع الملك فيصل رقم 45",
        "a telephone number": "+20 100 123 4567",
    }


def test_plain_prose_holds_no_personal_data():
    spanish = "En la calle hay 3 bancos; en 2024 cerraron 12, y la plaza mayor sigue igual."
    arabic = "في الشارع ٣ بنوك، وفي عام ٢٠٢٤ أغلق ١٢ منها، والساعة ١٠:٣٠ موعدنا."
    assert list(personal_data(spanish, "es")) == []
    assert list(personal_data(arabic, "ar")) == []


def test_an_answer_in_chinese_may_be_of_any_length(draft, find):
    draft.values[0]["completion"] = CHINESE * 4  # 24 letters each: 96 / 1.57 = 61
    assert find("M101", draft) == []
