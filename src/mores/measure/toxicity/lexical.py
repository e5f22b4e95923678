"""The offline baseline scorer: two linear models over words and character runs.

Takes English texts (others are not scored: `measure.english`), gives the mean of two
probabilities of "toxic": that of alt-profanity-check (words; five calibrated linear SVMs) and
that of toxicityclassifier (runs of 2 to 4 characters in stemmed words; logistic
regression). Equal to the packages' own scores on the same preprocessing, in
numpy, from weights without pickles.

    value, reason = LexicalScorer().score(["You are an idiot."])[0]

It is lexical: led by profanity, at chance on implicit hate. A threat in plain
words passes, and a harmless sentence with an identity term can be marked.
"""

from __future__ import annotations

from collections.abc import Sequence
from importlib.metadata import version

from mores import store
from mores.measure.english import why_not_english
from mores.measure.toxicity.linear import LinearTerms
from mores.measure.toxicity.scorer import EMPTY, Scored
from mores.measure.toxicity.terms import character_terms, stems, word_terms
from mores.study.languages import ENGLISH, identifier
from mores.weights.assets import asset_folder, find_asset

NOTE = "lexical: led by profanity, at chance on implicit hate"
_WORDS, _CHARACTERS = "alt-profanity-check", "toxicityclassifier"


class LexicalScorer:
    """Scorer ``lexical``: see the module and `docs/toxicity.md` for what it is not."""

    name = "lexical"
    attribute = "toxicity"
    note = NOTE
    languages = (ENGLISH,)

    def __init__(self, *, say: store.Say | None = None) -> None:
        self.words = LinearTerms.read(asset_folder(_WORDS, say=say))
        self.characters = LinearTerms.read(asset_folder(_CHARACTERS, say=say))
        self.digest = store.digest([self.words.digest, self.characters.digest])
        parts = [f"{name} {find_asset(name).version}" for name in (_WORDS, _CHARACTERS)]
        # Stems differ between versions of the stemmer, and values with them.
        parts.append(f"snowballstemmer {version('snowballstemmer')}")
        parts.append(identifier())  # which texts are scored at all
        self.version = f"2 ({', '.join(parts)})"

    def score(self, texts: Sequence[str]) -> list[Scored]:
        """Return the mean of the two probabilities for each text, 0 to 1.

        None, "empty text": no visible character. None, "not scored: ...": not English, or no
        words to identify a language by (see `measure.english`). None, "no known word": a model
        knows no term of the text, so that its answer would be its intercept and not about the
        text (function words only).
        """
        return [self._score(text) for text in texts]

    def _score(self, text: str) -> Scored:
        if not text.strip():
            return None, EMPTY
        if why := why_not_english(text):
            return None, why
        by_words = self.words.probability(word_terms(text))
        by_characters = self.characters.probability(character_terms(stems(text), 2, 4))
        if by_words is None or by_characters is None:
            return None, "no known word"
        return (by_words + by_characters) / 2, ""
