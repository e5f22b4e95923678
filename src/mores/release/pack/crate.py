"""ro-crate-metadata.json: what a pack is and holds, for machines that know nothing of mores.

Source: RO-Crate Metadata Specification 1.3, https://w3id.org/ro/crate/1.3
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any
from urllib.parse import quote

from mores import store
from mores.plan.seal import read_plan
from mores.release.pack.model import CRATE, INDEX, Entry, Level
from mores.step import TIMINGS
from mores.study import Study

VERSION = "https://w3id.org/ro/crate/1.3"
SPDX = "https://spdx.org/licenses/"
FORMATS = {
    ".json": "application/json",
    ".jsonl": "application/jsonl",
    ".toml": "application/toml",
    ".html": "text/html",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".csv": "text/csv",
}
SAYS: dict[Level, str] = {
    "full": "with texts, without people",
    "no-texts": "texts replaced by their digests and lengths, without people",
    "figures": "report and figures only; all else by digest",
}


def crate(study: Study, level: Level, files: list[Entry]) -> dict[str, Any]:
    """Return the metadata document of a pack.

    Args:
        study: what was packed.
        level: what is disclosed.
        files: of the pack, but this one and pack.json.
    """
    config = study.config
    title = f"{config.name} {config.version}, preset {config.preset}"
    listed = [_file(one) for one in files]
    index = {
        "@id": INDEX,
        "@type": "File",
        "name": "pack.json",
        "description": "digest of every file, what was left out, settings",
        "encodingFormat": FORMATS[".json"],
    }
    software = {
        "@id": "#mores",
        "@type": "SoftwareApplication",
        "name": "mores",
        "softwareVersion": version("mores"),
    }
    made = {
        "@id": "#report",
        "@type": "CreateAction",
        "name": "mores run",
        "instrument": {"@id": "#mores"},
        "object": [{"@id": one["@id"]} for one in listed if "/runs/" not in one["@id"]],
        "result": [{"@id": one["@id"]} for one in listed if one["@id"].startswith("report/")],
    }
    known = re.fullmatch(r"[A-Za-z0-9.+-]+", config.license)
    license_ = {
        "@id": SPDX + config.license if known else "#license",
        "@type": "CreativeWork",
        "name": config.license or "none stated",
    }
    root = {
        "@id": "./",
        "@type": "Dataset",
        "name": f"Evidence of the study {title}",
        "description": f"{config.description or config.name} ({SAYS[level]})",
        "datePublished": _day(study),
        "license": {"@id": license_["@id"]},
        "version": config.version,
        "mainEntity": {"@id": "report/report.json"},
        "mentions": {"@id": "#report"},
        "hasPart": [{"@id": one["@id"]} for one in (index, *listed)],
    }
    descriptor = {
        "@id": CRATE,
        "@type": "CreativeWork",
        "about": {"@id": "./"},
        "conformsTo": {"@id": VERSION},
    }
    graph = [descriptor, root, license_, software, made, index, *listed]
    return {"@context": f"{VERSION}/context", "@graph": graph}


def _file(one: Entry) -> dict[str, Any]:
    name = one.path.rpartition("/")[2]
    suffix = "." + name.rpartition(".")[2]
    return {
        "@id": quote(one.path),
        "@type": "File",
        "name": name,
        "contentSize": str(one.bytes),
        "encodingFormat": FORMATS.get(suffix, "application/octet-stream"),
        "sha256": one.digest.removeprefix("sha256:"),
    }


def _day(study: Study) -> str:
    """The day on which the last step ended, else that of sealing, else the year of the format.

    Never the day of packing: a pack that is made again has the same bytes.
    """
    path = study.run_folder / TIMINGS
    ended = [row.get("finished") for _, row in store.read_rows(path)] if path.is_file() else []
    known = [one for one in ended if isinstance(one, int | float)]
    if known:
        return datetime.fromtimestamp(max(known), UTC).date().isoformat()
    sealed = read_plan(study)
    return sealed.sealed[:10] if sealed else "2026"
