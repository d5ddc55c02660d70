"""One table as files: LaTeX, Word, Excel, Markdown."""

import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from city_policy.errors import InputError
from city_policy.report.cells import PaperTable
from city_policy.report.database import Database
from city_policy.report.excel import write_excel
from city_policy.report.kinds import Tools
from city_policy.report.latex import latex_file
from city_policy.report.markdown import markdown_table
from city_policy.report.office import write_word
from city_policy.report.regression_table import regression_table
from city_policy.report.study import Study
from city_policy.table_options import TableOptions, words

WRITERS: Mapping[str, Callable[[PaperTable, Path, str], object]] = {
    "tex": lambda table, path, language: path.write_text(latex_file(table, language), encoding="utf-8"),
    "docx": lambda table, path, language: write_word([table], path, language),
    "xlsx": lambda table, path, language: write_excel([table], path, language),
    "md": lambda table, path, language: path.write_text(markdown_table(table, language), encoding="utf-8"),
}


def make_table(database: Path, options: TableOptions) -> PaperTable:
    """The table that ``options`` asks for, from the result tables of ``database``; nothing is estimated.

    Raises InputError for a database that cannot be read, and for what it does not hold.
    """
    with Database(database) as source:
        return regression_table(Tools(source, Study(source)), options)


def chosen_formats(listed: Sequence[str] | None, out: Path | None) -> tuple[str, ...]:
    """The formats of a list, else that of the ending of ``out``, else Markdown. Raises InputError for others."""
    if listed is None:
        ending = out.suffix.lstrip(".") if out else ""
        if out is not None and ending not in WRITERS:
            raise InputError(
                f"{out} ends in no format; give the file an ending out of {', '.join(WRITERS)}, or name formats with "
                "--format."
            )
        return (ending or "md",)
    chosen = words(" ".join(listed))
    unknown = [name for name in chosen if name not in WRITERS]
    if unknown or not chosen:
        raise InputError(f"format is '{' '.join(unknown)}', expected one or more of {', '.join(WRITERS)}.")
    return tuple(dict.fromkeys(chosen))


def write_table(table: PaperTable, out: Path, formats: Sequence[str], language: str) -> list[Path]:
    """Write the table in every format beside ``out``, whose name takes the ending of each; returns the files.

    Raises InputError when a file cannot be written; what was there before then stays.
    """
    stem = out.with_suffix("") if out.suffix.lstrip(".") in WRITERS else out
    paths = [stem.with_name(f"{stem.name}.{name}") for name in formats]
    try:
        stem.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".table-", dir=stem.parent) as aside:
            for name, path in zip(formats, paths, strict=True):
                WRITERS[name](table, Path(aside) / path.name, language)
            for path in paths:
                os.replace(Path(aside) / path.name, path)
    except OSError as error:
        raise InputError(
            f"{stem.parent} cannot be written ({error.strerror or error}); free space or name another file with --out."
        ) from error
    return paths
