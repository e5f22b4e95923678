"""A study as a spreadsheet, for those who edit it there: out, and back in with a difference.

export_sheet(study, Path("study.xlsx"))
import_sheet(study, Path("study.xlsx"))                 what would change; nothing is written
import_sheet(study, Path("study.xlsx"), apply=True)     and now it is
"""

from mores.study.sheet.back import PartChange, SheetChange, import_sheet
from mores.study.sheet.export import SheetExport, export_sheet

__all__ = ["PartChange", "SheetChange", "SheetExport", "export_sheet", "import_sheet"]
