"""The card of a set of samples, and its metadata as Croissant 1.1 with RAI."""

from __future__ import annotations

import re
from typing import Any

from mores.release.publish.facts import CONTROL, SetFacts
from mores.release.publish.licence import as_url, on_the_hub
from mores.release.publish.markdown import environment, table
from mores.release.publish.subject import Subject
from mores.report import words

CROISSANT = "http://mlcommons.org/croissant/1.1"
RAI = "http://mlcommons.org/croissant/RAI/1.0"
_PLAIN = ("arrayShape", "citeAs", "column", "containedIn", "equivalentProperty", "extract", "field",
          "fileProperty", "fileObject", "fileSet", "format", "includes", "isArray",
          "isLiveDataset", "jsonPath", "key", "md5", "parentField", "path", "recordSet",
          "references", "regex", "repeated", "replace", "samplingRate", "separator", "source",
          "subField", "transform")  # fmt: skip
_MEANINGS = {
    "id": "Name of the sample.",
    "category": "Category of the charter that it belongs to.",
    "prompt": "The question.",
    "completion": "The answer that a model is tuned on.",
    "author": "Who wrote it.",
    "reviewer": "Who read it.",
    "license": "Its licence.",
    "source": "Where it comes from.",
    "why": "Which part of the position it enacts.",
    "accepted": "Day on which it was taken into the set.",
}
"""Field of a sample → what it holds."""
_SIZES = ((1_000, "n<1K"), (10_000, "1K<n<10K"), (100_000, "10K<n<100K"), (10**9, "100K<n<1M"))


def describe(subject: Subject, facts: SetFacts) -> str:
    """Say in a sentence or two what the set is."""
    config = subject.study.config
    what = (
        "samples on neutral subjects, of the size and form of the values set, for comparison"
        if facts.name == CONTROL
        else "samples that reflect the positions of its charter"
    )
    about = f" {config.description}" if config.description else ""
    return f"The {facts.name} set of the study {config.name} {config.version}: {what}.{about}"


def dataset_card(subject: Subject, facts: SetFacts) -> str:
    """Return the README.md of a set, with metadata as the Hugging Face Hub reads it."""
    from huggingface_hub import DatasetCardData

    study = subject.study
    size = next(label for most, label in _SIZES if len(facts.examples) < most)
    data = DatasetCardData(
        language=[study.charter.language],
        **on_the_hub(study.config.license),
        multilinguality="monolingual",
        size_categories=[size],
        task_categories=["text-generation"],
        pretty_name=f"{study.config.name}: {facts.name}",
        tags=list(dict.fromkeys(("mores", "values", facts.name))),
        configs=[{"config_name": "default", "data_files": facts.file}],
    )
    text = (
        environment()
        .get_template("dataset.md.j2")
        .render(
            subject=subject,
            facts=facts,
            title=f"{study.config.name}: {facts.name}",
            about=describe(subject, facts),
            fields=table(("Field", "Holds"), [(f, _MEANINGS[f]) for f in facts.fields]),
            rai={_in_words(k): v if isinstance(v, list) else [v] for k, v in facts.rai.items()},
            words=words,
        )
    )
    return f"---\n{data.to_yaml(line_break=chr(10)).strip()}\n---\n\n{text}"


def _in_words(name: str) -> str:
    """``dataUseCases`` → ``Data use cases``."""
    return re.sub(r"(?<=[a-z])([A-Z])", lambda m: f" {m[1].lower()}", name).capitalize()


def croissant(subject: Subject, facts: SetFacts) -> dict[str, Any]:
    """Return the JSON-LD of a set whose file lies beside it (Croissant 1.1, RAI 1.0)."""
    study, licence = subject.study, subject.study.config.license
    known = {
        "license": as_url(licence),
        "inLanguage": study.charter.language,
        # The specification asks for a semantic version; others stand in the description only.
        "version": study.config.version
        if re.fullmatch(r"\d+\.\d+\.\d+", study.config.version)
        else "",
        "keywords": list(dict.fromkeys(("values", "language models", facts.name))),
    }
    return {
        "@context": _context(),
        "@type": "sc:Dataset",
        "name": f"{subject.name}-{facts.name}",
        "description": describe(subject, facts),
        "conformsTo": [CROISSANT, RAI],
        **{key: value for key, value in known.items() if value},
        **{f"rai:{key}": value for key, value in facts.rai.items()},
        "distribution": [
            {
                "@type": "cr:FileObject",
                "@id": facts.file,
                "name": facts.file,
                "description": "One sample a line.",
                "contentUrl": facts.file,
                "encodingFormat": "application/jsonlines",
                "sha256": facts.digest.removeprefix("sha256:"),
            }
        ],
        "recordSet": [
            {
                "@type": "cr:RecordSet",
                "@id": "samples",
                "name": "samples",
                "description": "The samples.",
                "key": {"@id": "samples/id"},
                "field": [_field(facts.file, name) for name in facts.fields],
            }
        ],
    }


def _field(file: str, name: str) -> dict[str, Any]:
    return {
        "@type": "cr:Field",
        "@id": f"samples/{name}",
        "name": name,
        "description": _MEANINGS[name],
        "dataType": "sc:Text",
        "source": {"fileObject": {"@id": file}, "extract": {"column": name}},
    }


def _context() -> dict[str, Any]:
    """The prefixes and terms that the specification asks for."""
    return {
        "@language": "en",
        "@vocab": "https://schema.org/",
        "conformsTo": "dct:conformsTo",
        "cr": "http://mlcommons.org/croissant/",
        "rai": "http://mlcommons.org/croissant/RAI/",
        "dct": "http://purl.org/dc/terms/",
        "sc": "https://schema.org/",
        "data": {"@id": "cr:data", "@type": "@json"},
        "dataType": {"@id": "cr:dataType", "@type": "@vocab"},
        "examples": {"@id": "cr:examples", "@type": "@json"},
        "name": {"@container": "@language"},
        "description": {"@container": "@language"},
        **{name: f"cr:{name}" for name in _PLAIN},
    }
