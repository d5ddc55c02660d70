"""Files of formats that are read in a process of their own: .xls and .dta."""

import atexit
import marshal
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from city_policy.reader import legacy_formats
from city_policy.reader.archives import DamagedArchive
from city_policy.reader.cells import (
    FORMULA_WITHOUT_RESULT,
    MAX_CELLS,
    Remark,
    Sheet,
    SpecialNumber,
    apply_formats,
    boolean_remark,
    error_remark,
    far_remark,
    formula_remark,
    hidden_remarks,
    hidden_sheet,
    number_format_kind,
    used_area,
)

# Reading a file of ten thousand rows takes two seconds.
TIME_LIMIT_SECONDS = 60


class _Server:
    """The process that reads; started when it is needed, and again after it had to be ended."""

    def __init__(self) -> None:
        self.process: subprocess.Popen[bytes] | None = None
        self.owner = 0

    def ask(self, kind: str, path: Path) -> list[dict]:
        """The sheets of a file as ``legacy_formats`` describes them; raises DamagedArchive."""
        process = self.start()
        requests, replies = _pipes(process)
        # A fork of this process has its own server.
        timed_out = threading.Event()

        def end() -> None:
            timed_out.set()
            process.kill()

        timer = threading.Timer(TIME_LIMIT_SECONDS, end)
        timer.daemon = True
        timer.start()
        try:
            request = marshal.dumps((kind, os.fspath(path.resolve())))
            requests.write(len(request).to_bytes(8, "little") + request)
            requests.flush()
            head = replies.read(8)
            reply = replies.read(int.from_bytes(head, "little")) if len(head) == 8 else b""
        except OSError:
            reply = b""
        finally:
            timer.cancel()
        if not reply:
            self.stop()
            if timed_out.is_set():
                raise DamagedArchive(f"reading it takes longer than {TIME_LIMIT_SECONDS} seconds")
            raise DamagedArchive("its content is damaged: the program that reads it came to its end")
        outcome, result = marshal.loads(reply)
        if outcome == "refused":
            raise DamagedArchive(result)
        return result

    def start(self) -> subprocess.Popen[bytes]:
        """The running process."""
        if self.process is None or self.owner != os.getpid() or self.process.poll() is not None:
            self.owner = os.getpid()
            self.process = subprocess.Popen(
                [sys.executable, "-I", legacy_formats.__file__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
            )
        return self.process

    def stop(self) -> None:
        """Ends the process, if it is this process's own."""
        if self.process is not None and self.owner == os.getpid():
            self.process.kill()
            self.process.wait()
            for pipe in _pipes(self.process):
                pipe.close()
        self.process = None


def _pipes(process: subprocess.Popen[bytes]) -> tuple[IO[bytes], IO[bytes]]:
    """Standard input and output of the process that reads, which is started with pipes."""
    assert process.stdin is not None and process.stdout is not None
    return process.stdin, process.stdout


_server = _Server()
atexit.register(_server.stop)


def read_isolated(kind: str, path: Path) -> Iterator[Sheet]:
    """The sheets of an 'xls' or 'dta' file; raises DamagedArchive, whose text is the cause."""
    for sheet in _server.ask(kind, path):
        yield _as_sheet(sheet) if sheet["visible"] else hidden_sheet(sheet["name"])


def _as_sheet(sheet: dict) -> Sheet:
    """A sheet from its filled cells."""
    name = sheet["name"]
    hidden_rows, hidden_columns = set(sheet["hidden_rows"]), set(sheet["hidden_columns"])
    filled_rows = {cell[0] for cell in sheet["cells"] if cell[0] in hidden_rows}
    filled_columns = {cell[1] for cell in sheet["cells"] if cell[1] in hidden_columns and cell[0] not in hidden_rows}
    cells = [cell for cell in sheet["cells"] if cell[0] not in hidden_rows and cell[1] not in hidden_columns]
    area = used_area([(row, column) for row, column, _, _ in cells])
    if area is None:
        raise DamagedArchive(
            f"the used area of its sheet {name} has more than {MAX_CELLS:,} cells, and the cells far from the table "
            "are too many to be left out"
        )
    last_row, last_column, far = area
    rows: list[list] = [[""] * last_column for _ in range(last_row)]
    remarks = hidden_remarks(filled_rows, filled_columns) + [far_remark(row, column) for row, column in sorted(far)]
    special: list[SpecialNumber] = []
    dates: dict[int, list[tuple[int, str]]] = {}
    for row, column, kind, value in cells:
        if row > last_row or column > last_column:
            continue
        if kind == "date":
            dates.setdefault(column, []).append((row, value))
        elif kind.startswith("number") and (
            (format_kind := number_format_kind(kind.removeprefix("number "))) in ("percent", "scaled")
        ):
            special.append(SpecialNumber(row, column, format_kind))
        else:
            value = _shown(row, column, kind, value, remarks)
        rows[row - 1][column - 1] = value
    remarks += _date_remarks(dates)
    return Sheet(name, rows, remarks + apply_formats(rows, special))


def _shown(row: int, column: int, kind: str, value, remarks: list[Remark]):
    """The content of a cell as it is read, with a remark where it is not what it seems."""
    if kind == "text":
        return value.replace("\x1f", " ")
    if kind == "error":
        remarks.append(error_remark(row, column, value))
    elif kind == "boolean":
        remarks.append(boolean_remark(row, column, value))
    elif kind == "formula":
        remarks.append(formula_remark(row, column))
        return FORMULA_WITHOUT_RESULT
    return value


def _date_remarks(dates: dict[int, list[tuple[int, str]]]) -> list[Remark]:
    """One remark per column with dates, at the first of them."""
    remarks = []
    for column, values in sorted(dates.items()):
        row, value = values[0]
        count = "1 cell" if len(values) == 1 else f"{len(values)} cells"
        message = f"{count} of this column formatted as dates, read as text: {value}."
        remarks.append(Remark("date", row, column, value, message))
    return remarks
