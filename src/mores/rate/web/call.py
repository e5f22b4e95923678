"""What a page of the rating app knows of its request, beyond what every app's page does."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mores.rate.db.facts import Facts
from mores.study import Study
from mores.web import call as web
from mores.web.i18n import language


@dataclass(frozen=True, kw_only=True)
class Site(web.Site):
    """What all requests share."""

    facts: Facts
    study: Study | None = None
    """For unblinding: where the sealed key is. None where the app runs without the study."""
    backups: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Call(web.Call):
    """One request."""

    site: Site

    @property
    def study_texts(self) -> dict[str, Any]:
        """What pages need to show the study's own texts: their language, and where help is."""
        texts = self.site.facts.texts
        direction = language(texts.language.partition("-")[0]).direction
        return {"texts_lang": texts.language, "texts_dir": direction, "support": texts.support}
