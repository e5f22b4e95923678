"""Signs that the word list lacks, as words: "👩🏿" becomes " woman dark skin ".

Without this every emoji is the same unknown word, and HatemojiBuild, whose pairs differ in one
emoji, cannot be learned (validation AUC .55 and .43 in the first run).
"""

from __future__ import annotations

import unicodedata

TONES = {"1-2": "light skin", "3": "light skin", "4": "skin", "5": "dark skin", "6": "dark skin"}


def spelled(text: str) -> str:
    """Return the text with symbols as their Unicode names in lower case; other text as it is."""
    return text if text.isascii() else "".join(map(_word, text))


def _word(sign: str) -> str:
    kind = unicodedata.category(sign)
    if kind in ("Cf", "Mn") and ord(sign) > 0x2000:
        return ""  # joiners and variation selectors
    if sign.isascii() or kind not in ("So", "Sk", "Sm"):
        return sign
    name = unicodedata.name(sign, "")
    tone = name.removeprefix("EMOJI MODIFIER FITZPATRICK TYPE-")
    return f" {TONES.get(tone, name.lower())} "
