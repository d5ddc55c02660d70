"""The checked copy of a study that dbt reads. dbt may overwrite it; the folder of the user is never written."""

import csv
import os
import shutil
import tempfile
from pathlib import Path

from city_policy.directory import writable
from city_policy.study.check import CheckedStudy

# Tells dbt that the folder is a copy (macros/refuse_unchecked_study.sql).
MARK = "CHECKED"
ASIDE = ".study-"


def write_copy(study: CheckedStudy, data: Path) -> Path:
    """Write the files of ``study`` to ``data/study``, its panel to ``data/landing``; returns the folder of the files.

    Raises InputError when the directory cannot be written.
    """
    target = data / "study"
    with writable(target):
        (data / "landing").mkdir(parents=True, exist_ok=True)
        # What a build that was killed here has left behind; the lock of builds keeps others out.
        for leftover in data.glob(f"{ASIDE}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        aside = Path(tempfile.mkdtemp(prefix=ASIDE, dir=data))
        try:
            for name, file in study.files.items():
                with open(aside / f"{name}.csv", "w", encoding="utf-8", newline="") as handle:
                    writer = csv.DictWriter(handle, list(file.columns), lineterminator="\n")
                    writer.writeheader()
                    writer.writerows(study.tables[name])
            (aside / MARK).write_text("Made by city-policy from a study folder; dbt may overwrite these files.\n")
            if study.panel:
                panel = data / "landing" / "panel.parquet"
                study.panel.write(panel.with_suffix(".new"))
                os.replace(panel.with_suffix(".new"), panel)
            shutil.rmtree(target, ignore_errors=True)
            os.replace(aside, target)
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    return target
