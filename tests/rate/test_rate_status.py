"""`mores rate status` without the rating app: the web stack stays where the pages are."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from app import START, Clock, make_site, make_study, owner

LOOK = """
import json, sys
from pathlib import Path
import mores
status = mores.rate.rating_status(mores.load_study(Path(sys.argv[1])))
web = [name for name in ("starlette", "uvicorn", "httpx") if name in sys.modules]
print(json.dumps({"backup": status.backup, "web": web}))
"""


def test_the_last_backup_is_read_without_the_web_stack(tmp_path: Path) -> None:
    study = make_study(tmp_path / "study")
    site = make_site(study, now=Clock())
    assert owner(site).submit("/owner/backup").status_code == 303
    site.database.close()
    done = subprocess.run(
        [sys.executable, "-c", LOOK, str(study.folder)], capture_output=True, text=True, check=True
    )
    said = json.loads(done.stdout)
    assert said["web"] == []
    assert (said["backup"]["at"], said["backup"]["events"]) == (START, 0)
