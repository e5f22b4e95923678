"""One file with all evidence of a study, and how anyone checks it.

packed = pack(study, disclose="no-texts")       RO-Crate in a zip, the same bytes when repeated
found = verify(Path("wellbeing-full.zip"))      every number of the report made again from it
"""

from mores.release.pack.run import pack
from mores.release.pack.verify import verify

__all__ = ["pack", "verify"]
