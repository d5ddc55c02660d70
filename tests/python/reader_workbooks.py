"""Small yearbook workbooks in the printed shape, for the reader's tests."""

import csv
from pathlib import Path

import openpyxl
import pyarrow.parquet as pq
from city_policy.language import without_chinese_form
from city_policy.reader import Summary, ingest
from city_policy.report.messages import unknown_sentences

PROJECT = Path(__file__).resolve().parents[2]
MAPPING = PROJECT / "seeds" / "mapping"
GEOGRAPHY = PROJECT / "seeds" / "geography"

TITLE = ["2-1 人口状况", "Population"]
HEADER = [
    [
        "城市",
        "City",
        "年末总人口(万人)\n Total Population at Year-end (10000 persons)",
        "",
        "年平均人口(万人)_x000D_\n Annual Average Population",
        "",
    ],
    ["", "", "全市\nTotal City", "市辖区\nDistricts under City", "全市\nTotal City", "市辖区\nDistricts under City"],
]
FIRST_ROWS = [
    ["城市合计", "Prefecture Cities", "3", "3", "3", "3"],
    ["北京市", "Beijing", "1277.9", "1207.1", "1267.9", "1197.4"],
    ["  天津市", "Tianjin", "996.4", "816.8", "990.6", "811.4"],
    ["河北省", "Hebei", "1", "1", "1", "1"],
    ["  石家庄市", "Shijiazhuang", "997.3", "246.7", "993.4", "245.1"],
]
LATER_ROWS = [
    ["  唐山市", "Tangshan", "737.1", "307.3", "736.0", "307.2"],
    ["  邯郸市", "Handan", "984.9", "148.2", "974.2", "147.9"],
]


def write_workbook(path: Path, sheets: dict[str, list[list]]) -> Path:
    """A workbook of sheets, each a list of rows from row 1, column A on."""
    path.parent.mkdir(parents=True, exist_ok=True)
    workbook = openpyxl.Workbook()
    workbook.remove(workbook.active)
    for name, rows in sheets.items():
        sheet = workbook.create_sheet(name)
        for row in rows:
            sheet.append([None if cell == "" else cell for cell in row])
    workbook.save(path)
    return path


def table(*pages: list[list], title: list[str] = TITLE) -> list[list]:
    """A printed table: title lines, then pages; a line 续表 stands before every page but the first."""
    rows = [[line] for line in title]
    for number, page in enumerate(pages):
        if number:
            rows += [[], [f"2-1 续表{number} continued {number}"]]
        rows += page
    return rows


def read(folder: Path, landing: Path, mapping: Path = MAPPING, workers: int = 1) -> tuple[list[dict], Summary]:
    """The landed cells and the summary of an ingest."""
    summary = ingest(folder, landing, mapping, GEOGRAPHY, progress=False, workers=workers)
    check_chinese(summary)
    return pq.read_table(landing / "yearbook_cells.parquet").to_pylist(), summary


def check_chinese(summary: Summary) -> None:
    """What an ingest says can be said in Chinese: its lines on the terminal, its notes in the published tables."""
    assert set(without_chinese_form(str(summary))) <= set(summary.not_read)
    assert [note for note in summary.notes if unknown_sentences(note.message, {})] == []


def values(cells: list[dict], header: str, scope: str = "city") -> dict[str, str]:
    """Printed name → cell text, for one header and scope."""
    return {
        cell["city_raw"]: cell["cell_text"] for cell in cells if cell["header"] == header and cell["scope"] == scope
    }


def copy_seeds(source: Path, target: Path, **changed: list[dict]) -> Path:
    """A copy of a seed folder in which rows are appended to some files (named without .csv)."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob("*.csv"):
        (target / path.name).write_bytes(path.read_bytes())
    for name, rows in changed.items():
        path = target / f"{name}.csv"
        with path.open(encoding="utf-8", newline="") as stream:
            columns = next(csv.reader(stream))
        with path.open("a", encoding="utf-8", newline="") as stream:
            writer = csv.DictWriter(stream, columns, restval="")
            writer.writerows(rows)
    return target
