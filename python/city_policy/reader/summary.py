"""What an ingest read and what it did not know, on one screen."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

# The most consequential unknowns that the summary shows; the files of proposals hold all.
SHOWN = 12


class Unknown(NamedTuple):
    """Something that the mapping does not know: how many filled cells it keeps from use, where it stands first, in
    which data years, and the unit that is printed for it."""

    n_cells: int
    address: str
    first_year: int
    last_year: int
    unit: str = ""

    def and_also(self, other: "Unknown") -> "Unknown":
        """Both together; the address and unit are those of the first."""
        return self._replace(
            n_cells=self.n_cells + other.n_cells,
            first_year=min(self.first_year, other.first_year),
            last_year=max(self.last_year, other.last_year),
        )


def add_unknown(target: dict, key: object, unknown: Unknown) -> None:
    """Counts one more occurrence of something unknown."""
    before = target.get(key)
    target[key] = before.and_also(unknown) if before else unknown


class Note(NamedTuple):
    """Something that a person should know, with its address; ``row`` and ``column`` are 0 where it has none."""

    kind: str
    data_year: int | None
    file: str
    sheet: str
    row: int
    column: int
    text: str
    message: str


@dataclass
class Summary:
    """What an ingest read and what it did not know. ``str`` gives one screen, the most consequential first.

    ``unknown_headers`` has the keys (table title, header), ``unknown_units`` (unit, series), ``unknown_names``
    (name, data year), ``unknown_tables`` the title. Only tables of prefectures are looked up.
    """

    editions: dict[int, int] = field(default_factory=dict)
    n_tables: int = 0
    n_cells: int = 0
    n_cells_by_level: Counter[str] = field(default_factory=Counter)
    refused: list[str] = field(default_factory=list)
    unknown_tables: dict[str, Unknown] = field(default_factory=dict)
    unknown_headers: dict[tuple[str, str], Unknown] = field(default_factory=dict)
    unknown_units: dict[tuple[str, str], Unknown] = field(default_factory=dict)
    unknown_scopes: dict[tuple[str, str], Unknown] = field(default_factory=dict)
    unknown_names: dict[tuple[str, int], Unknown] = field(default_factory=dict)
    unparsed_numbers: list[tuple[str, str]] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)
    proposals: Path = Path()
    target: Path = Path()

    def unknowns(self) -> list[tuple[int, str]]:
        """Every unknown header, unit, scope and name as (cells that a mapping row would free, sentence), the most
        consequential first."""
        found = [
            (unknown.n_cells, f"header {header or '(no label)'} of {title or '(no title)'}: {unknown.address}")
            for (title, header), unknown in self.unknown_headers.items()
        ]
        found += [
            (unknown.n_cells, f"unit {unit} of {series}: {unknown.address}")
            for (unit, series), unknown in self.unknown_units.items()
        ]
        found += [
            (unknown.n_cells, f"scope of header {header} of {title or '(no title)'}: {unknown.address}")
            for (title, header), unknown in self.unknown_scopes.items()
        ]
        found += [
            (unknown.n_cells, f"name {name or '(blank)'} in {year}: {unknown.address}")
            for (name, year), unknown in self.unknown_names.items()
        ]
        return sorted(found, key=lambda item: -item[0])

    def __str__(self) -> str:
        lines = [f"REFUSED: {sentence}" for sentence in self.refused]
        editions = ", ".join(f"{edition}: {count}" for edition, count in sorted(self.editions.items()))
        levels = ", ".join(f"{level} {count}" for level, count in sorted(self.n_cells_by_level.items()))
        lines += [
            f"editions            {len(self.editions)} (tables per edition: {editions})",
            f"tables              {self.n_tables}",
            f"cells               {self.n_cells} ({levels})",
        ]
        unknowns = self.unknowns()
        lines.append(
            f"not understood      {sum(count for count, _ in unknowns)} filled cells of prefecture-level tables: "
            f"{len(self.unknown_headers)} headers, {len(self.unknown_units)} units, {len(self.unknown_scopes)} scopes, "
            f"{len(self.unknown_names)} names"
            + (f"; {len(self.unknown_tables)} titles are unknown" if self.unknown_tables else "")
        )
        lines += [f"  {count:>8} cells  {sentence}" for count, sentence in unknowns[:SHOWN]]
        if len(unknowns) > SHOWN:
            lines.append(f"  and {len(unknowns) - SHOWN} more in the files of proposals")
        if unknowns or self.unknown_tables:
            lines.append(
                f"proposals           {self.proposals} (edit the files, put yes into the column accept, then run "
                "city-policy accept)"
            )
        lines.append(f"unparsed numbers    {len(self.unparsed_numbers)}{_first(self.unparsed_numbers)}")
        kinds = Counter(note.kind for note in self.notes if note.kind not in ("refused edition", "not read"))
        lines.append(
            f"notes               {sum(kinds.values())}"
            + (f" ({', '.join(f'{kind} {count}' for kind, count in kinds.most_common())})" if kinds else "")
        )
        if self.not_read:
            lines.append(f"not read            {len(self.not_read)} files: {_listed(self.not_read)}")
        if self.unparsed_numbers or kinds or self.not_read:
            lines.append(
                "                    (each with its address in quality.quarantined_cells and quality.reader_notes)"
            )
        lines.append(f"written             {self.target}")
        return "\n".join(lines)


def _first(unparsed: list[tuple[str, str]]) -> str:
    return f", the first {unparsed[0][0]!r} in {unparsed[0][1]}" if unparsed else ""


def _listed(names: Iterable[str], shown: int = 3) -> str:
    """The first names and how many more there are."""
    names = list(names)
    return ", ".join(names[:shown]) + (f" and {len(names) - shown} more" if len(names) > shown else "")
