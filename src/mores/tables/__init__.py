"""The one reader of tables that people bring: CSV, JSON, Excel and exports of annotation tools.

notes = Notes()
for line, row in read_table(Path("ratings.csv.gz"), ["rater", "value"], notes=notes):
    ...
print(*notes.lines())
"""

from mores.tables.columns import name_map
from mores.tables.csv_rows import DELIMITERS
from mores.tables.notes import Notes
from mores.tables.read import Row, form_of, read_table

__all__ = ["DELIMITERS", "Notes", "Row", "form_of", "name_map", "read_table"]
