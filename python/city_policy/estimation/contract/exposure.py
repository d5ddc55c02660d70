"""How a policy enters a regression with fixed effects: switched on at its start, or as the variant of the specification
says.

With e the years since the start (negative before it, missing for a city that is never treated):

- blank: 1{e >= 0};
- ``anticipation:k``: 1{e >= -k}: the start is moved k years forward, for effects that begin with the announcement;
- ``without_first:k``: 1{e >= 0}, and the first k treated years, 0 <= e < k, are left out: years in which a policy is
  on paper only;
- ``exposure``: max(e + 1, 0), the years of exposure: the effect of each further year, if all are alike;
- ``dose:column``: 1{e >= 0} times a column of the panel: the effect per unit of it. It has a causal meaning only if
  cities with other doses would have had the same effect at the same dose (Callaway, Goodman-Bacon and Sant'Anna 2024).

A lag delays e by as many years.
"""

from typing import NamedTuple

import numpy as np

from city_policy.errors import InputError
from city_policy.estimation.contract.panel import Panel
from city_policy.estimation.contract.specification import Specification

MOST_YEARS = 30
EXPECTED = f"nothing, anticipation:1, without_first:1 (years up to {MOST_YEARS}), exposure or dose:column"


class Exposure(NamedTuple):
    """A variant that was understood: its kind (blank for none), years, and column."""

    kind: str
    years: int
    column: str

    @classmethod
    def of(cls, variant: str | None) -> "Exposure":
        """Raises InputError for a variant that is not understood."""
        kind, _, rest = (variant or "").partition(":")
        if kind in ("anticipation", "without_first") and rest.isdecimal() and 1 <= int(rest) <= MOST_YEARS:
            return cls(kind, int(rest), "")
        if kind == "dose" and rest:
            return cls(kind, 0, rest)
        if variant in (None, "", "exposure"):
            return cls(kind, 0, "")
        raise InputError(f"The variant '{variant}' is unknown; expected {EXPECTED}.")

    @property
    def chooses_rows(self) -> bool:
        """Whether the start decides which rows are used, so that another start would use others."""
        return self.kind == "without_first"

    def note(self) -> list[str]:
        """What a reader of the estimate must know."""
        return {
            "anticipation": [f"Years by which the start is moved forward: {self.years}."],
            "without_first": [f"Treated years left out after the start, counted as missing: {self.years}."],
            "exposure": ["The effect is that of one more year of exposure."],
            "dose": [f"The effect is that of one unit of {self.column} where the policy is on."],
        }.get(self.kind, [])

    def treatment(self, years_since_start: np.ndarray, dose: np.ndarray | None = None) -> np.ndarray:
        """The column of the policy, of the shape of ``years_since_start``, NaN in rows that are left out."""
        e = np.where(np.isnan(years_since_start), -np.inf, years_since_start)
        if self.kind == "exposure":
            return np.maximum(e + 1, 0.0)
        on = (e >= -self.years if self.kind == "anticipation" else e >= 0).astype("float64")
        if self.kind == "without_first":
            on[(e >= 0) & (e < self.years)] = np.nan
        return on if dose is None else np.where(on > 0, dose, 0.0)


def exposed_columns(panel: Panel, specification: Specification) -> dict[str, np.ndarray]:
    """Name -> column (N,) of the outcome and of the treatment as the variant says.

    Raises InputError for what does not exist, or a variant of a treatment that is no policy.
    """
    exposure = Exposure.of(specification.variant)
    if not exposure.kind:
        return panel.variables(specification)
    if specification.treatment not in panel.timing:
        raise InputError(
            f"The variant '{specification.variant}' needs a start, and '{specification.treatment}' is no policy of the "
            "treatment timing."
        )
    e = panel.year - specification.lag - panel.first_treated_year(specification.treatment)
    dose = panel.numbers(exposure.column) if exposure.column else None
    return {
        specification.outcome: panel.numbers(specification.outcome),
        specification.treatment: exposure.treatment(e, dose),
    }
