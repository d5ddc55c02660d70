"""Which files of a folder belong to which edition, and what their names say of year and level.

People keep editions as they were sold: one folder per edition, named by the year of the edition (2012,
中国城市统计年鉴2012) or by the year of its data (二、2005年地级及以上城市统计资料), with chapters as folders below
it, or an archive in place of a folder. Edition Y holds data year Y−1.
"""

import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from city_policy.errors import InputError
from city_policy.reader.files import TEXT_SUFFIXES, is_readable
from city_policy.reader.sheets import NAME_LABELS
from city_policy.reader.text import squeeze

_year = re.compile(r"(?<!\d)(?:19|20)\d{2}(?!\d)")
_yearbook = re.compile(r"年鉴|yearbook", re.IGNORECASE)
# 2005年地级及以上城市统计资料, 2011年数据: the year of the data. 2012年 alone is the name of an edition.
_data_year = re.compile(r"((?:19|20)\d{2})年.*(?:地级|县级|城市|数据|资料|区划)")
# A file name or title that names a year in words: 中国城市统计年鉴2012, 2000年底.
_edition_in_name = re.compile(r"年鉴((?:19|20)\d{2})(?!\d)|(?<!\d)((?:19|20)\d{2})年?(?:中国)?(?:城市)?(?:统计)?年鉴")
_year_in_words = re.compile(r"(?<!\d)((?:19|20)\d{2})年(?!不变|可比|价格)")

# Containers that no well-kept library opens without a program of the system.
ARCHIVE_COMMANDS = {".rar": "bsdtar -xf", ".7z": "bsdtar -xf", ".tar": "tar -xf", ".gz": "tar -xf", ".tgz": "tar -xf"}
ZIP_SUFFIX = ".zip"

_levels = (
    ("county", re.compile("县级")),
    ("other", re.compile("区划|排序|排名|名单|综合篇|综合统计|全国.*综合|投资环境|附录|指标解释")),
    ("prefecture", re.compile("地级|各市资料|分市统计")),
)


class Task(NamedTuple):
    """One file to read. ``name``: as the user sees it, below the folder; ``data_year``: None for a file outside an
    edition folder."""

    path: Path
    name: str
    data_year: int | None


class FoundFiles(NamedTuple):
    """The files to read, those that are nothing to read, and one sentence per edition that is refused."""

    tasks: list[Task]
    not_read: list[str]
    refused: dict[int, str]


class NamedYear(NamedTuple):
    """The data year that a folder name means, and whether it names the edition or the data."""

    data_year: int
    names_edition: bool


def year_of_folder(name: str) -> NamedYear | None:
    """The year that a folder name means; None if it holds none. Raises ValueError if it holds several."""
    years = {int(year) for year in _year.findall(name)}
    if not years:
        return None
    if len(years) > 1:
        raise ValueError(name)
    found = _data_year.search(name)
    if found and not _yearbook.search(name):
        return NamedYear(int(found.group(1)), False)
    return NamedYear(years.pop() - 1, True)


def years_of_text(text: str) -> set[int]:
    """The data years that a file name or a printed title can mean: one set element for an edition, two for a year in
    words, which may be that of the data or of the edition; empty if no year is named or several are."""
    editions = {int(first or second) for first, second in _edition_in_name.findall(text)}
    if len(editions) == 1:
        return {editions.pop() - 1}
    years = {int(year) for year in _year_in_words.findall(text)}
    if len(years) != 1 or editions:
        return set()
    year = years.pop()
    return {year, year - 1}


def level_of_name(text: str) -> str:
    """The level that a chapter, file name or corner of a workbook names: 'prefecture', 'county', 'other' (national
    summaries, lists, rankings) or ''."""
    return next((level for level, pattern in _levels if pattern.search(text)), "")


def level_of_path(name: str) -> str:
    """The level that a file's folders or its own name say, the innermost first; '' if none does."""
    return next((level for part in reversed(name.split("/")) if (level := level_of_name(part))), "")


def walk(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file below a folder, in the order of names, with its name below the folder.

    Links to folders are followed, each folder once. Raises InputError for a folder that cannot be read.
    """

    def refuse(error: OSError) -> None:
        raise InputError(
            f"The folder {error.filename} cannot be read ({error.strerror}); make it readable or remove it."
        ) from error

    seen: set[str] = set()
    for parent, folders, files in os.walk(folder, onerror=refuse, followlinks=True):
        real = os.path.realpath(parent)
        if real in seen:
            folders.clear()
            continue
        seen.add(real)
        folders[:] = sorted(name for name in folders if not name.startswith(".") and name != "__MACOSX")
        for name in sorted(files):
            if not name.startswith((".", "~$")):
                path = Path(parent) / name
                yield path, path.relative_to(folder).as_posix()


def list_files(folder: Path, unpack: Callable[[Path], Path]) -> Iterator[tuple[Path, str]]:
    """Every file below a folder with its name; a .zip archive stands as a folder of its name. ``unpack`` unpacks
    an archive and returns the folder."""
    for path, name in walk(folder):
        if path.suffix.lower() == ZIP_SUFFIX:
            for inner, inner_name in list_files(unpack(path), unpack):
                yield inner, f"{name}/{inner_name}"
        else:
            yield path, name


def find_files(folder: Path, unpack: Callable[[Path], Path]) -> FoundFiles:
    """The files to read, with the data year that their folders name.

    The innermost folder with a year counts, so that an edition may lie inside a collection. Files outside a folder
    with a year are read if they are wide tables with a data year per sheet or row. Raises InputError for a missing
    folder, an edition folder without a year or with several, an empty edition, two folders of one edition, or
    nothing to read. A contradiction between the years of folders and file names refuses the edition.
    """
    if not folder.is_dir():
        raise InputError(f"The folder {folder} does not exist; give the folder that holds one folder per edition.")
    for entry in sorted(folder.iterdir()):
        _check_edition_folder(entry)
    search = _Search(folder)
    for path, name in list_files(folder, unpack):
        search.add(path, name)
    if not search.tasks:
        rest = f"; not read: {search.not_read[0]}" if search.not_read else ""
        raise InputError(
            f"The folder {folder} holds no edition; it should hold one folder per edition, named by its year, with "
            f"the workbooks in it{rest}."
        )
    return FoundFiles(search.tasks, search.not_read, search.refused)


def _check_edition_folder(entry: Path) -> None:
    """Raises InputError for a folder with a year in its name and nothing to read in it."""
    is_edition = entry.is_dir() and not entry.name.startswith(".") and _year.search(entry.name)
    if is_edition and not any(
        is_readable(path) or path.suffix.lower() in (ZIP_SUFFIX, *ARCHIVE_COMMANDS) for path, _ in walk(entry)
    ):
        raise InputError(f"The edition folder {entry} holds no workbook and no CSV file.")


class _Search:
    """The files found so far: those to read, those that are not, and the editions that contradict themselves."""

    def __init__(self, folder: Path):
        self.folder = folder
        self.own_year = _year_or_none(folder.resolve().name)
        self.tasks: list[Task] = []
        self.not_read: list[str] = []
        self.refused: dict[int, str] = {}
        self.named: dict[int, str] = {}

    def add(self, path: Path, name: str) -> None:
        """Takes a file, whose name is relative to the folder, to those to read or to those that are not."""
        command = ARCHIVE_COMMANDS.get(path.suffix.lower())
        if command:
            self.not_read.append(f"{name} (an archive that is not read; unpack it first: {command} '{path.name}')")
            return
        if not is_readable(path):
            self.not_read.append(name)
            return
        folders = name.split("/")[:-1]
        years = self.years_of_folders(folders)
        if years:
            part, year = years[-1]
        elif self.own_year is not None:
            part, year = self.folder.name, NamedYear(self.own_year, True)
        else:
            if folders:
                raise InputError(
                    f"The folder {self.folder / folders[0]} holds workbooks but its name holds no year; "
                    "name it by the year of its edition, for example 2021."
                )
            if holds_wide_table(path):
                self.tasks.append(Task(path, name, None))
            else:
                self.not_read.append(name)
            return
        self.tasks.append(Task(path, name, year.data_year))
        self.check_years(path, name, years[:-1], part, year)
        if years and year.names_edition:
            self.check_one_folder(folders, years, year)

    def years_of_folders(self, folders: list[str]) -> list[tuple[str, NamedYear]]:
        """The folders of a file that name a year; raises InputError for a name with several."""
        try:
            return [(part, year) for part in folders if (year := year_of_folder(part.removesuffix(ZIP_SUFFIX)))]
        except ValueError as error:
            raise InputError(
                f"The folder {self.folder / str(error)} holds workbooks but its name holds more than one year; "
                "name it by the year of its edition, for example 2021."
            ) from None

    def check_years(
        self, path: Path, name: str, others: list[tuple[str, NamedYear]], part: str, year: NamedYear
    ) -> None:
        """Refuses the edition if an outer folder or the file name means another year than the innermost folder."""
        data_year = year.data_year
        for other, other_year in others:
            if other_year.data_year != data_year and not (other_year.names_edition and year.names_edition):
                self.refused.setdefault(
                    data_year, _contradiction(self.folder, name, other, other_year.data_year, part, data_year)
                )
        of_file = years_of_text(path.stem)
        if of_file and data_year not in of_file:
            self.refused.setdefault(
                data_year, _contradiction(self.folder, name, path.name, max(of_file), part, data_year)
            )

    def check_one_folder(self, folders: list[str], years: list[tuple[str, NamedYear]], year: NamedYear) -> None:
        """Raises InputError if another folder is the same edition."""
        # The outermost folder of the edition: another of its name may lie inside.
        part = next(part for part, other_year in years if other_year == year)
        place = "/".join(folders[: folders.index(part) + 1])
        data_year = year.data_year
        if self.named.setdefault(data_year, place) != place:
            raise InputError(
                f"The folders {self.folder / self.named[data_year]} and {self.folder / place} are both the edition "
                f"{data_year + 1} (data year {data_year}); keep one of them."
            )


def _year_or_none(name: str) -> int | None:
    """The data year that a folder name means; None if it holds none or several."""
    try:
        year = year_of_folder(name)
    except ValueError:
        return None
    return year.data_year if year else None


def _contradiction(folder: Path, name: str, first: str, first_year: int, second: str, second_year: int) -> str:
    return (
        f"{folder / name}: {first} means data year {first_year}, but {second} means data year {second_year}; "
        "name the folder by the year of its edition, which is one more than the year of its data."
    )


def holds_wide_table(path: Path) -> bool:
    """Whether a file outside the edition folders is to be read: a workbook always, a text file (which may be
    anything) if its first rows hold a label for names."""
    if path.suffix.lower() not in TEXT_SUFFIXES:
        return True
    try:
        with path.open("rb") as stream:
            head = stream.read(1 << 16)
    except OSError as error:
        raise InputError(f"The file {path} cannot be read ({error.strerror}).") from error
    # Any encoding will do to find a label; the reading gate settles the right one.
    texts = (head.decode(encoding, errors="ignore") for encoding in ("utf-8", "gb18030", "utf-16", "utf-16-le", "big5"))
    cells = (cell.strip('"') for text in texts for line in text.splitlines()[:10] for cell in re.split("[,;|\t]", line))
    return any(squeeze(cell) in NAME_LABELS for cell in cells)
