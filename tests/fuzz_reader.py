"""Damages workbooks and text files at random and counts what the reader makes of them.

    python tests/fuzz_reader.py --mutations 10000 --seed 1 --folder DIR

Made-up files of every format are damaged in their bytes and, with checksums made right again, in their
XML; ``--folder`` adds real files. The reader works in a process of its own with a limit of time and memory.
Whatever it does not refuse is compared, cell by cell with its meaning, with the undamaged file. An abort, a
hang or a traceback is a mistake of the reader, and the program then ends with 1. Mutations that change cells
and pass without a remark are listed with ``--show``: most change one number or one character into another,
which no reader can know.
"""

import argparse
import random
import re
import subprocess
import sys
import tempfile
import time
import traceback
import zipfile
from collections import Counter
from io import BytesIO
from pathlib import Path

OUTCOMES = ("refused", "same", "different, told", "different, untold", "traceback", "abort", "hang")
TIME_LIMIT_SECONDS = 30
SEEDS = Path(__file__).resolve().parents[1] / "seeds"

HEADER = ["城市", "City", "年末总人口(万人)", "地区生产总值(万元)", "第三产业比重(%)"]
CITIES = [("北京市", "Beijing"), ("天津市", "Tianjin"), ("石家庄市", "Shijiazhuang"), ("唐山市", "Tangshan")]

ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0"
 xmlns:calcext="urn:org:documentfoundation:names:calcext:1.0">
<office:automatic-styles>
<style:style style:name="hidden" style:family="table"><style:table-properties table:display="false"/></style:style>
</office:automatic-styles><office:body><office:spreadsheet>{tables}</office:spreadsheet></office:body>
</office:document-content>"""


def ods(tables: str) -> bytes:
    """An OpenDocument workbook with these tables."""
    kind = "application/vnd.oasis.opendocument.spreadsheet"
    return zipped({"mimetype": kind.encode(), "content.xml": ODS.format(tables=tables).encode()})


def zipped(members: dict[str, bytes]) -> bytes:
    """A zip archive, the first member stored."""
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, (name, content) in enumerate(members.items()):
            archive.writestr(name, content, zipfile.ZIP_STORED if number == 0 else None)
    return buffer.getvalue()


def xlsx(odd: bool) -> bytes:
    """A workbook; with ``odd`` also errors, formulas, hidden cells and percent formats."""
    from openpyxl import Workbook

    book = Workbook()
    for number in range(2):
        sheet = book.active if number == 0 else book.create_sheet("2")
        sheet.append([f"2-{number + 1} 综合"])
        sheet.append(HEADER)
        for row, names in enumerate(CITIES * 3, 3):
            sheet.append([*names, 1277.9 + row, 54405999 + row, 76.1])
        if odd:
            sheet["C4"] = "#DIV/0!"
            sheet["C5"] = "=1+1"
            sheet["E6"] = 0.761
            sheet["E6"].number_format = "0.0%"
            sheet["D7"] = True
            sheet.row_dimensions[8].hidden = True
            sheet.column_dimensions["B"].hidden = True
    if odd:
        book.create_sheet("draft").sheet_state = "hidden"
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def corpus(folder: Path | None, limit: int = 40) -> list[tuple[str, bytes]]:
    """Suffix and content of the files to damage."""
    import pandas as pd

    rows = [[*names, str(1277.9 + number), str(54405999 + number), "76.1"] for number, names in enumerate(CITIES * 3)]
    text = "\r\n".join(",".join(row) for row in [HEADER, *rows])
    quoted = "\r\n".join(",".join(f'"{cell}"' for cell in row) for row in [HEADER, *rows])
    buffer = BytesIO()
    frame = pd.DataFrame(rows, columns=["city", "name", "population", "gdp", "share"]).astype({"population": "float32"})
    frame.to_stata(buffer, variable_labels={"city": "城市"}, write_index=False, version=118)
    cells = "".join(
        f'<table:table-row><table:table-cell office:value-type="string"><text:p>{row[0]}</text:p></table:table-cell>'
        f'<table:table-cell office:value-type="float" office:value="{row[2]}"/>'
        '<table:table-cell office:value-type="percentage" office:value="0.761"><text:p>76.1%</text:p>'
        "</table:table-cell></table:table-row>"
        for row in rows
    )
    files = [
        (".xlsx", xlsx(odd=False)),
        (".xlsx", xlsx(odd=True)),
        (".csv", text.encode()),
        (".csv", quoted.encode()),
        (".csv", text.encode("gb18030")),
        (".tsv", text.replace(",", "\t").encode("utf-16")),
        (".dta", buffer.getvalue()),
        (".ods", ods(f'<table:table table:name="1">{cells}</table:table>')),
    ]
    if folder is not None:
        suffixes = {".xlsx", ".xlsm", ".xls", ".ods", ".dta", ".csv", ".tsv", ".txt"}
        paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in suffixes)
        paths = [path for path in paths if path.stat().st_size < 300_000]
        chosen = random.Random(0).sample(paths, min(limit, len(paths)))
        files += [(path.suffix.lower(), path.read_bytes()) for path in chosen]
    return files


def damage_bytes(content: bytes, rng: random.Random) -> bytes:
    """The file with some bytes changed, cut off, left out, repeated or put in."""
    kind = rng.randrange(6)
    at = rng.randrange(len(content) or 1)
    length = rng.choice((1, 2, 4, 16, 256))
    if kind == 0:
        changed = bytearray(content)
        for _ in range(rng.choice((1, 1, 1, 3, 20))):
            changed[rng.randrange(len(changed))] = rng.randrange(256)
        return bytes(changed)
    if kind == 1:
        return content[:at]
    if kind == 2:
        return content[:at] + content[at + length :]
    if kind == 3:
        return content[: at + length] + content[at:]
    if kind == 4:
        odd = (b'"', b"\0", b"\n", b",", b"\xff\xff\xff\xff", b"\x00\x00\x00\x80", b"\x1f")
        return content[:at] + rng.choice(odd) + content[at:]
    bit = bytearray(content)
    bit[at] ^= 1 << rng.randrange(8)
    return bytes(bit)


ODD_VALUES = (
    *b" 0 -1 1 99999999999999999999 1048577 XFD1048576 A1 ZZZZ1 e b d s str n hidden 9 14 1e308 nan &#1; ../../x".split(
        b" "
    ),
    *b"A1:XFD1048576 true 16384".split(),
)


def damage_xml(xml: bytes, rng: random.Random) -> bytes:
    """An XML part with an attribute, an element, a text or some bytes changed."""
    kind = rng.randrange(6)
    if kind == 0:
        found = list(re.finditer(rb'="([^"]*)"', xml))
        if found:
            one = rng.choice(found)
            return xml[: one.start(1)] + rng.choice(ODD_VALUES) + xml[one.end(1) :]
    if kind == 1:
        found = list(re.finditer(rb">([^<>]+)<", xml))
        if found:
            one = rng.choice(found)
            return xml[: one.start(1)] + rng.choice(ODD_VALUES) + xml[one.end(1) :]
    tags = list(re.finditer(rb"<[^>]*>", xml))
    if kind == 2 and tags:
        one = rng.choice(tags)
        return xml[: one.start()] + xml[one.end() :]
    if kind == 3 and tags:
        one, other = rng.choice(tags), rng.choice(tags)
        return xml[: other.start()] + one.group() + xml[other.start() :]
    if kind == 4:
        odd = (
            b"<!--",
            b"<![CDATA[",
            b"<f>1</f>",
            b'<c r="XFD1048576"><v>1</v></c>',
            b"<c><v>1</v></c>",
            b"<x:c>",
            b" t='e'",
            b"]]>",
        )
        at = rng.choice(tags).start() if tags else 0
        return xml[:at] + rng.choice(odd) + xml[at:]
    return damage_bytes(xml, rng)


def damaged(content: bytes, rng: random.Random) -> bytes:
    """A damaged copy of a file: of archives two times of three in a part, with the right checksum."""
    members = parts(content)
    if members is None or not rng.randrange(3):
        return damage_bytes(content, rng)
    names = [name for name in members if name.endswith((".xml", ".rels")) and members[name] and "docProps" not in name]
    sheets = [name for name in names if "sheet" in name or name == "content.xml"]
    name = rng.choice(sheets if sheets and rng.randrange(2) else names)
    for _ in range(rng.choice((1, 1, 2))):
        members[name] = damage_xml(members[name], rng) or b" "
    return zipped(members)


def parts(content: bytes) -> dict[str, bytes] | None:
    """The members of a sound zip archive; None for everything else."""
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            return {info.filename: archive.read(info) for info in archive.infolist()}
    except zipfile.BadZipFile:
        return None


def mutation(files: list[tuple[str, bytes]], number: int, seed: int) -> tuple[int, bytes]:
    """The mutation of this number: index of its file and damaged content."""
    rng = random.Random(f"{seed} {number}")
    index = rng.randrange(len(files))
    content = files[index][1]
    return index, damaged(content, rng)


def work(first: int, last: int, seed: int, folder: Path | None) -> None:
    """Reads the mutations and prints number, outcome and a note, one line each."""
    from city_policy.errors import InputError
    from city_policy.reader.editions import Task
    from city_policy.reader.ingest import FileResult, read_file
    from city_policy.reader.knowledge import load_knowledge

    try:
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (4 * 2**30, 4 * 2**30))
    except ImportError:
        pass
    knowledge = load_knowledge(SEEDS / "mapping", SEEDS / "geography")
    files = corpus(folder)
    sound: dict[int, FileResult] = {}
    with tempfile.TemporaryDirectory() as temporary:

        def read(index: int, content: bytes) -> FileResult:
            path = Path(temporary) / f"x{files[index][0]}"
            path.write_bytes(content)
            result = read_file(Task(path, path.name, 2011), knowledge, {})
            if result.failure:
                raise InputError(result.failure)
            return result

        for number in range(first, last):
            print("begin", number, flush=True)
            index, content = mutation(files, number, seed)
            if index not in sound:
                try:
                    sound[index] = read(index, files[index][1])
                except InputError:
                    sound[index] = FileResult("")
            note = ""
            try:
                result = read(index, content)
            except InputError as error:
                outcome = "refused" if "\n" not in str(error) else "traceback"
            except Exception:
                outcome, note = "traceback", traceback.format_exc().strip().replace("\n", " | ")
            else:
                before, after = landed(sound[index]), landed(result)
                if before == after:
                    outcome = "same"
                else:
                    outcome = "different, untold" if told(sound[index]) == told(result) else "different, told"
                    note = first_difference(before, after)
            print("end", number, outcome, files[index][0], note, sep="\t", flush=True)


def landed(result) -> dict[tuple, str]:
    """Every landed cell by its address, with what the reader takes it for."""
    cells = {}
    for block in result.blocks:
        texts = iter(block.cells.decode().split("\x1f"))
        for row, name in zip(block.rows, block.names, strict=True):
            for number, header, unit, scope in block.columns:
                meaning = f"{block.table_title} {header} {unit} {scope} {name} {block.level} {block.data_year}"
                cells[block.sheet, row, number] = f"{meaning}: {next(texts)}"
    return cells


def told(result) -> set:
    """Everything that the reader says of a file."""
    unknown = (result.unknown_tables, result.unknown_headers, result.unknown_units, result.unknown_names)
    return {*result.notes, *result.unparsed_numbers, *(item for kind in unknown for item in kind.items())}


def first_difference(before: dict, after: dict) -> str:
    """The first cell that differs, for the list of changes that pass untold."""
    for address in sorted({*before, *after}, key=str):
        if before.get(address) != after.get(address):
            return f"{address}: {before.get(address)!r} {after.get(address)!r}".replace("\n", " ")[:300]
    return ""


def run(n_mutations: int, seed: int, folder: Path | None = None, show: bool = False) -> Counter:
    """Reads so many mutations and counts the outcomes; a process that ends or hangs is started again."""
    counts: Counter = Counter()
    next_number = 0
    while next_number < n_mutations:
        command = [sys.executable, __file__, "--work", str(next_number), str(n_mutations), "--seed", str(seed)]
        command += ["--folder", str(folder)] if folder else []
        with tempfile.TemporaryFile("w+") as output:
            process = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
            begun, since, size = None, time.monotonic(), 0
            while process.poll() is None:
                time.sleep(0.05)
                if (now := output.seek(0, 2)) != size:
                    size, since = now, time.monotonic()
                elif time.monotonic() - since > TIME_LIMIT_SECONDS:
                    process.kill()
                    process.wait()
                    break
            output.seek(0)
            lines = output.read().split("\n")
        for line in lines:
            if line.startswith("begin "):
                begun = int(line.split()[1])
            elif line.startswith("end\t"):
                _, number, outcome, suffix, note = line.split("\t", 4)
                counts[outcome] += 1
                begun, next_number = None, int(number) + 1
                if outcome == "traceback" or (show and outcome == "different, untold"):
                    print(number, outcome, suffix, note)
        if begun is None and next_number < n_mutations:
            raise RuntimeError("The reader could not be started: " + "\n".join(lines[-20:]))
        if begun is not None:
            outcome = "hang" if time.monotonic() - since > TIME_LIMIT_SECONDS else "abort"
            counts[outcome] += 1
            print(begun, outcome, "\n".join(lines[-5:]))
            next_number = begun + 1
    return counts


def main() -> int:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--mutations", type=int, default=10_000, help="how many damaged files to read")
    parser.add_argument("--seed", type=int, default=1, help="seed of the mutations")
    parser.add_argument("--folder", type=Path, help="a folder whose files are damaged as well")
    parser.add_argument("--show", action="store_true", help="list the changes that pass without a remark")
    parser.add_argument("--work", type=int, nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.work:
        work(*arguments.work, arguments.seed, arguments.folder)
        return 0
    begin = time.monotonic()
    counts = run(arguments.mutations, arguments.seed, arguments.folder, arguments.show)
    for outcome in OUTCOMES:
        print(f"{outcome:20}{counts[outcome]:8}")
    print(f"{'seconds':20}{time.monotonic() - begin:8.0f}")
    return int(any(counts[outcome] for outcome in ("traceback", "abort", "hang")))


if __name__ == "__main__":
    sys.exit(main())
