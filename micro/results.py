"""What comes out of a count: the supplementary file, the balance of rows, and the cross products of a panel."""

import csv
import os
from pathlib import Path

import duckdb
from terminal import InputError

DROPPED = "dropped: "


def check_balance(read, balance):
    """Raises RuntimeError where the rows of an extract do not sum to those of its files: a mistake in the count itself.

    ``read``: rows of the files by extract, as the engine counts them; ``balance``: (extract, status, rows).
    """
    for extract, n_rows in read.items():
        counted = sum(rows for one, _, rows in balance if one == extract)
        lost = [status for one, status, _ in balance if one == extract and status == "lost"]
        if counted != n_rows or lost:
            raise RuntimeError(
                f"The balance of {extract} does not hold: {n_rows} rows were read and {counted} have a place in it. "
                "Nothing was written; please report it."
            )


def check_codes(unread):
    """Raises InputError where half of the codes of an extract cannot be read: its counts would be near zero.

    ``unread``: (extract, position, text, rows, all that were not read, all codes).
    """
    for extract, position, text, _, n_unread, n_codes in unread:
        if position == 1 and 2 * n_unread > n_codes:
            expected = {
                "firms": "industry codes of GB/T 4754-2017 such as C3911",
                "patents": "symbols of the International Patent Classification such as H01L 31/04",
            }[extract]
            raise InputError(
                f"{n_unread:,} of {n_codes:,} codes of the {extract} cannot be read, such as '{text}'; "
                f"expected {expected}."
            )


def rules(extract, settings):
    """The rules of a count in words, as they stand in the column source."""
    if extract == "firms":
        counted = {
            "existing": "firms that exist at the end of the year",
            "founded": "firms founded in the year",
        }[settings["firm_count"]]
        return [counted, f"addresses read by the names of {settings['address_year']}", "one row per credit code"]
    return [
        f"year of {settings['patent_year']}",
        {"first": "place of the first applicant", "all": "once in every city of its applicants"}[
            settings["applicants"]
        ],
        {"any": "any class", "first": "first class only"}[settings["classes"]],
        {"whole": "a main group with all below it", "alone": "a main group's own symbol only"}[
            settings["ipc_main_groups"]
        ],
        "one row per application number",
    ]


def source(indicator, classification, settings):
    """The text of the column source: what was counted, by which list and which rules."""
    cited = [classification[field] for field in ("issuer_en", "edition", "date")]
    # An edition is often named by its year alone.
    listed = f"{classification['name_en']} ({'; '.join(dict.fromkeys(cited))})"
    kind = f"{indicator['patent_type'].replace('_', ' ')} " if indicator["patent_type"] else ""
    text = f"own count of {kind}{indicator['extract']} by {listed}: {', '.join(rules(indicator['extract'], settings))}"
    return text.replace("\n", " ")


def write_supplementary(counts, indicators, classifications, settings, target):
    """Write the long file that SUPPLEMENTARY reads; ``counts``: (indicator, adcode, year, value)."""
    sources = {row["indicator"]: source(row, classifications[row["classification"]], settings) for row in indicators}
    with _aside(target) as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["indicator", "adcode", "year", "value", "unit", "source"])
        for indicator, adcode, year, value in sorted(counts):
            writer.writerow([indicator, adcode, year, value, "count", sources[indicator]])


def write_rows(columns, rows, target):
    """Write a table of a result as CSV, in the order of ``rows``."""
    with _aside(target) as path, path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows(rows)


def write_cross_products(rows, names, target):
    """Write the cross products as Parquet for read_moments, the terms under the ``names`` of the panel's columns."""
    with _aside(target) as path, duckdb.connect() as connection:
        connection.execute(
            "create table cross_products "
            "(cluster varchar, part varchar, first_term varchar, second_term varchar, value double)"
        )
        renamed = [
            (cluster, part, names.get(one, one), names.get(two, two), value) for cluster, part, one, two, value in rows
        ]
        if not renamed:
            raise InputError("The panel has no unit with two complete rows; nothing can be estimated from it.")
        columns = [list(column) for column in zip(*sorted(renamed, key=str), strict=True)]
        # One statement for all rows: one for each takes a minute.
        connection.execute(
            "insert into cross_products select unnest($1), unnest($2), unnest($3), unnest($4), unnest($5)", columns
        )
        connection.execute(f"copy cross_products to '{str(path).replace(chr(39), chr(39) * 2)}' (format parquet)")


class _aside:
    """A path beside the target that takes its place when the block ends well."""

    def __init__(self, target):
        self.target = target
        self.path = target.with_name(f".{target.name}.new")

    def __enter__(self):
        self.target.parent.mkdir(parents=True, exist_ok=True)
        return self.path

    def __exit__(self, kind, *_):
        if kind is None:
            os.replace(self.path, self.target)
        else:
            Path(self.path).unlink(missing_ok=True)
