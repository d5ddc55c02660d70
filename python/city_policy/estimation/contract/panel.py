"""The city-year panel as every estimator reads it: columns as numbers, policies as 0 and 1, groups as codes, and
the rows that a specification uses.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from city_policy.errors import InputError
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.specification import Specification

BASE_EFFECTS = ("adcode", "year")
NUMBER = (int, float, np.integer, np.floating)


class Panel:
    """Panel and treatment timing, checked; each column is read once.

    ``frame``: one row per ``adcode`` and ``year``, any order; here sorted by them, which makes every result
    independent of the order of the rows. ``treatment_timing``: one row per ``adcode`` and ``policy_id``, with
    ``first_treated_year`` (whole and positive, missing = never); a city without a row is never treated. A city is text
    or a whole number, which stands for its digits: 110100, 110100.0 and '110100' are one city.

    Attributes: ``frame``, sorted, N rows, to which all positions refer; ``timing``: policy -> first treated years by
    city; ``city``: codes 0 ... of the cities, (N,); ``adcodes``: what the codes stand for; ``year``: (N,). The arrays
    that the methods return are kept: do not change them.

    Raises InputError for a missing key column or key, a repeated city-year or city-policy, a year that is not whole,
    a first treated year that is not whole and positive (0 is no way to say never), or cities that the two tables write
    differently ('001' and '1'), because they would be taken for never treated ones.
    """

    def __init__(self, frame: pd.DataFrame, treatment_timing: pd.DataFrame):
        frame = _with_keys(frame, "panel", ["adcode", "year"])
        timing = _with_keys(treatment_timing, "treatment timing", ["adcode", "policy_id"])
        _check_years(frame)
        _check_cities(frame["adcode"], timing["adcode"])
        timing = timing[["adcode", "policy_id"]].assign(first=_first_treated_years(timing))
        self.timing = {policy: group.set_index("adcode")["first"] for policy, group in timing.groupby("policy_id")}
        frame = frame.assign(year=pd.to_numeric(frame["year"]).astype("int64"))
        self.frame = frame.sort_values(["adcode", "year"], ignore_index=True)
        self.city, adcodes = pd.factorize(self.frame["adcode"], sort=True)
        self.adcodes = adcodes.to_numpy(dtype="str")
        self.year = self.frame["year"].to_numpy()
        self._numbers: dict = {}
        self._lagged: dict = {}
        self._samples: dict = {}
        self._groups: dict = {}

    def _column(self, name):
        if name not in self.frame.columns:
            raise InputError(f"The panel has no column '{name}'.")
        return self.frame[name]

    def numbers(self, name: str) -> np.ndarray:
        """A column as floats (N,), NaN where missing; raises InputError if it does not exist or holds text."""
        if name not in self._numbers:
            column = self._column(name)
            numbers = pd.to_numeric(column.astype("object"), errors="coerce").astype("float64")
            text = column.notna() & numbers.isna()
            if text.any():
                raise InputError(f"Column '{name}' of the panel holds {column[text].iloc[0]!r}; expected numbers.")
            self._numbers[name] = numbers.to_numpy()
        return self._numbers[name]

    def first_treated_year(self, policy: str) -> np.ndarray:
        """The first treated year of every row's city, (N,), NaN for never."""
        return self.frame["adcode"].map(self.timing[policy]).to_numpy(dtype="float64")

    def regressor(self, name: str, lag: int = 0) -> np.ndarray:
        """A policy as 0 and 1, or a column as floats, (N,), as it was ``lag`` years before: NaN where the panel
        lacks that row. Raises InputError if ``name`` is neither.
        """
        if lag:
            if (name, lag) not in self._lagged:
                keys = pd.MultiIndex.from_arrays([self.frame["adcode"], self.frame["year"]])
                before = pd.MultiIndex.from_arrays([self.frame["adcode"], self.frame["year"] - lag])
                self._lagged[name, lag] = pd.Series(self.regressor(name), index=keys).reindex(before).to_numpy()
            return self._lagged[name, lag]
        if name in self.timing:
            return (self.year >= self.first_treated_year(name)).astype("float64")
        if name in self.frame.columns:
            return self.numbers(name)
        raise InputError(f"'{name}' is neither a policy of the treatment timing nor a column of the panel.")

    def sample(self, name: str) -> np.ndarray:
        """A boolean column (N,), False where missing; raises InputError if it does not exist or is not boolean."""
        if name not in self._samples:
            column = self._column(name)
            if not column.dropna().isin([True, False]).all():
                raise InputError(f"Sample column '{name}' of the panel is not boolean.")
            self._samples[name] = column.astype("boolean").fillna(False).to_numpy(dtype=bool)
        return self._samples[name]

    def groups(self, name: str) -> np.ndarray:
        """Group codes (N,) of a column, or of two or more joined by ``^``; -1 where one is missing."""
        if name not in self._groups:
            parts = [self._column(part) for part in name.split("^")]
            missing = np.column_stack([part.isna() for part in parts]).any(axis=1)
            codes = pd.DataFrame({i: pd.factorize(part, sort=True)[0] for i, part in enumerate(parts)})
            result = codes.groupby(list(codes.columns), sort=True).ngroup().to_numpy()
            self._groups[name] = np.where(missing, -1, result)
        return self._groups[name]

    def variables(self, specification: Specification) -> dict[str, np.ndarray]:
        """Name -> column (N,) of the outcome and the treatment; raises InputError for what does not exist."""
        return {
            specification.outcome: self.numbers(specification.outcome),
            specification.treatment: self.regressor(specification.treatment, specification.lag),
        }

    def controls(
        self, specification: Specification, controls: Sequence[str], columns: dict[str, np.ndarray]
    ) -> dict[str, np.ndarray]:
        """Name -> column of the specification's extra controls and the common ``controls``, without those that are
        among ``columns`` already.

        Raises InputError for a control that does not exist, or an outcome on the right-hand side.
        """
        names = [*specification.extra_controls, *controls]
        if specification.outcome in [specification.treatment, *names]:
            raise InputError(f"'{specification.outcome}' stands on both sides of the equation.")
        return {name: self.regressor(name) for name in names if name not in columns}

    def usable_rows(
        self, specification: Specification, columns: Mapping[str, np.ndarray], sample: np.ndarray | None = None
    ) -> "Rows":
        """The rows of the sample that have all ``columns``, a group of every fixed effect and a cluster, and are not
        alone in a group of a fixed effect.

        ``columns``: name -> (N,); ``sample``: a mask (N,) in place of the specification's sample. Raises
        NotIdentifiedError, with the counts that are known, when no row is left or a fixed effect has a group for every
        row.
        """
        sample = self.sample(specification.sample) if sample is None else sample
        effects = [self.groups(name) for name in (*BASE_EFFECTS, *specification.extra_fixed_effects)]
        if not sample.any():
            raise NotIdentifiedError(f"The sample '{specification.sample}' is empty.")
        complete = np.isfinite(np.column_stack(list(columns.values()))).all(axis=1)
        for groups in (*effects, self.groups(specification.cluster)):
            complete &= groups >= 0
        counts = {"n_dropped_missing": int((sample & ~complete).sum())}
        eligible = sample & complete
        if not eligible.any():
            empty = [name for name, column in columns.items() if not np.isfinite(column[sample]).any()]
            reason = f"{empty[0]} is missing in every row" if empty else "no row has all variables"
            raise NotIdentifiedError(f"No row of the sample '{specification.sample}' can be used: {reason}.", counts)
        for name, groups in zip(specification.extra_fixed_effects, effects[len(BASE_EFFECTS) :], strict=True):
            if len(np.unique(groups[eligible])) == eligible.sum():
                raise NotIdentifiedError(
                    f"The fixed effects {name} have a group of their own for every row, so they absorb "
                    f"every variable, also {specification.treatment}.",
                    counts,
                )
        alone = _singletons([groups[eligible] for groups in effects])
        counts["n_dropped_singletons"] = int(alone.sum())
        used = eligible.copy()
        used[np.flatnonzero(used)[alone]] = False
        if not used.any():
            raise NotIdentifiedError(
                "Every row is alone in its city or year, so that the fixed effects absorb it.", counts
            )
        counts |= {"n_obs": int(used.sum()), "n_cities": len(np.unique(self.city[used]))}
        return Rows(eligible, used, MappingProxyType(counts))


def _with_keys(table, name, keys):
    """``table`` with its cities as text, once it has the ``keys``, each once."""
    for key in keys:
        if key not in table.columns:
            raise InputError(f"The {name} has no column '{key}'.")
        if table[key].isna().any():
            raise InputError(f"The {name} has a row without {key}.")
    table = table.assign(adcode=_city_names(table["adcode"], name))
    twice = table.duplicated(keys)
    if twice.any():
        row = table[twice].iloc[0]
        raise InputError(
            f"The {name} holds {keys[0]} {row[keys[0]]}, {keys[1]} {row[keys[1]]} more than once; "
            "expected one row each."
        )
    return table


def _city_names(cities, name):
    """The cities as text; a whole number by its digits."""
    if not isinstance(cities.dtype, pd.StringDtype):
        numbers = cities.map(lambda city: isinstance(city, NUMBER) and not isinstance(city, bool))
        broken = numbers & (pd.to_numeric(cities.where(numbers)) % 1 != 0)
        if broken.any():
            raise InputError(f"The {name} holds adcode {cities[broken].iloc[0]}; expected text or a whole number.")
        cities = cities.map(lambda city: str(int(city)) if isinstance(city, NUMBER) else str(city))
    return cities.astype("str")


def _check_years(frame):
    """Raises InputError for a year of the panel that is not whole: cut off, it would be another year."""
    years = pd.to_numeric(frame["year"], errors="coerce").astype("float64")
    broken = ~(years % 1 == 0)
    if broken.any():
        row = frame[broken].iloc[0]
        raise InputError(f"The panel holds the year {row['year']} for {row['adcode']}; expected whole years.")


def _check_cities(panel, timing):
    """Raises InputError for a city of the timing that is in the panel under another spelling of its number."""
    known = pd.Series(panel.unique())
    others = pd.Series(timing[~timing.isin(known)].unique())
    by_number = pd.Series(known.to_numpy(), index=pd.to_numeric(known, errors="coerce"))
    numbers = pd.to_numeric(others, errors="coerce")
    alike = numbers.notna() & numbers.isin(by_number.index)
    if alike.any():
        city = others[alike].iloc[0]
        same = by_number[by_number.index == numbers[alike].iloc[0]].iloc[0]
        raise InputError(
            f"The treatment timing calls a city '{city}', the panel '{same}'; write its adcode alike, else it would "
            "count as never treated."
        )


def _first_treated_years(timing):
    if "first_treated_year" not in timing.columns:
        raise InputError("The treatment timing has no column 'first_treated_year'.")
    years = pd.to_numeric(timing["first_treated_year"], errors="coerce").astype("float64")
    given = timing["first_treated_year"].notna()
    broken = given & ~((years % 1 == 0) & (years > 0))
    if broken.any():
        row = timing[broken].iloc[0]
        raise InputError(
            f"The first treated year of {row['adcode']} in {row['policy_id']} is "
            f"{row['first_treated_year']}; expected a whole year or nothing, which means never."
        )
    return years


@dataclass(frozen=True)
class Rows:
    """The rows of one sample, as masks (N,): ``eligible``, those with all variables; ``used``, those of them that are
    not alone in a group of a fixed effect. ``counts``: ``n_dropped_missing``, ``n_dropped_singletons``, ``n_obs`` and
    ``n_cities``.
    """

    eligible: np.ndarray
    used: np.ndarray
    counts: Mapping[str, int]


def _singletons(effects):
    """Mask of the rows that are alone in a group of an effect, again and again until none is left."""
    alone = np.zeros(len(effects[0]), dtype=bool)
    while True:
        before = alone.sum()
        for groups in effects:
            sizes = np.bincount(groups[~alone], minlength=groups.max() + 1)
            alone |= sizes[groups] == 1
        if alone.sum() == before:
            return alone


def is_nested(groups: np.ndarray, within: np.ndarray) -> bool:
    """Whether every group of the codes ``groups`` (n,) lies inside one group of ``within`` (n,)."""
    least = groups.min()
    owner = np.empty(groups.max() - least + 1, dtype=within.dtype)
    # Whichever row of a group comes last gives its owner; the others must agree.
    owner[groups - least] = within
    return bool((owner[groups - least] == within).all())
