"""Step 2: datasets, read from other formats and checked.

report = import_dataset(Path("old.csv"), Path("study/values.jsonl"), category="health")
findings = check_study(load_study(Path("study")))
print(as_text(findings))
"""

from mores.curate.formats import ImportReport, import_dataset
from mores.curate.lint import Rule, Subject, check_study, check_subject, failing
from mores.curate.output import as_json, as_sarif, as_text

__all__ = [
    "ImportReport",
    "Rule",
    "Subject",
    "as_json",
    "as_sarif",
    "as_text",
    "check_study",
    "check_subject",
    "failing",
    "import_dataset",
]
