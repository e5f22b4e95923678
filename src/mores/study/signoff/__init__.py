"""Sign-off: who has signed what of a study, what has changed since, and who objects.

sign_off(study)                          everything that can be signed, and how it stands
sign(study, ["values"], by=..., ...)     new lines in signatures.jsonl
withdraw(study, ["values:v-01"], ...)    taken back, also by a new line
"""

from mores.study.signoff.sign import sign, withdraw
from mores.study.signoff.signature import Signature
from mores.study.signoff.state import (
    Fault,
    KindCount,
    SignOff,
    Standing,
    ThingState,
    counted,
    sign_off,
)
from mores.study.signoff.things import Thing, chosen, things

__all__ = [
    "Fault",
    "KindCount",
    "SignOff",
    "Signature",
    "Standing",
    "Thing",
    "ThingState",
    "chosen",
    "counted",
    "sign",
    "sign_off",
    "things",
    "withdraw",
]
