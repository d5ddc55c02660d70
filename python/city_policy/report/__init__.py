"""The report: one page for the browser, and the tables of the study as LaTeX, Word and Excel.

Reads the result tables of one database and nothing else; the same database gives the same bytes.
"""

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from city_policy.errors import InputError
from city_policy.report.database import Database
from city_policy.report.study import LANGUAGES, Study

if TYPE_CHECKING:
    from city_policy.report.tables import PaperTable


def write_report(database: Path, out: Path) -> list[Path]:
    """Write ``index.html`` and ``tables/`` below ``out``; returns what a person opens.

    ``tables/zh`` and ``tables/en`` hold ``main.tex`` with one file per table, ``tables.docx`` and ``tables.xlsx``.
    Everything is written aside first and then moved into place. Raises InputError when the database cannot be read or
    ``out`` cannot be written; what was there before then stays.
    """
    # More than a second to import: here, because a build translates its sentences and draws nothing.
    from city_policy.report.page import render_page
    from city_policy.report.tables import build_tables

    with Database(database) as source:
        study = Study(source)
        tables = build_tables(source, study)
        try:
            out.mkdir(parents=True, exist_ok=True)
            aside = Path(tempfile.mkdtemp(prefix=".report-", dir=out))
        except OSError as error:
            raise _unwritable(out, error) from error
        try:
            # The page waits for its pictures, which another process draws: time enough to write the tables.
            page = render_page(source, study, tables, lambda: _write_tables(tables, aside / "tables"))
            (aside / "index.html").write_text(page, encoding="utf-8")
            for path in sorted(path for path in aside.rglob("*") if path.is_file()):
                target = out / path.relative_to(aside)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
        except OSError as error:
            raise _unwritable(out, error) from error
        finally:
            shutil.rmtree(aside, ignore_errors=True)
    documents = [
        out / "tables" / language / name
        for language in LANGUAGES
        for name in ("main.tex", "tables.docx", "tables.xlsx")
    ]
    return [out / "index.html", *documents]


def _write_tables(tables: Sequence["PaperTable"], folder: Path) -> None:
    """The tables for papers, one folder per language."""
    from city_policy.report.excel import write_excel
    from city_policy.report.latex import write_latex
    from city_policy.report.office import write_word

    for language in LANGUAGES:
        (folder / language).mkdir(parents=True)
        write_latex(tables, folder / language, language)
        write_word(tables, folder / language / "tables.docx", language)
        write_excel(tables, folder / language / "tables.xlsx", language)


def _unwritable(out: Path, error: OSError) -> InputError:
    return InputError(
        f"{out} cannot be written ({error.strerror or error}); free space or name another folder with --out."
    )
