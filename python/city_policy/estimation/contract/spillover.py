"""What a regression with spillovers adds or leaves out, by the variant of the specification.

The meaning of each is at the top of :mod:`city_policy.estimation.estimators.spillovers`.
"""

from typing import NamedTuple

from city_policy.errors import InputError

RINGS = ((0, 100), (100, 200), (200, 400))
WITH_DISTANCE = ("neighbours", "neighbours_by_distance", "without_neighbours")
FARTHEST = 5000
EXPECTED = (
    f"rings, or neighbours:200, neighbours_by_distance:200 or without_neighbours:100 (kilometres up to {FARTHEST})"
)


class Spillover(NamedTuple):
    """A variant that was understood: its kind and its distance in kilometres (0 for rings)."""

    kind: str
    km: int

    @classmethod
    def of(cls, variant: str | None) -> "Spillover":
        """Raises InputError for a variant that is not understood."""
        kind, _, rest = (variant or "").partition(":")
        if kind == "rings" and not rest:
            return cls(kind, 0)
        if kind in WITH_DISTANCE and rest.isdecimal() and 1 <= int(rest) <= FARTHEST:
            return cls(kind, int(rest))
        raise InputError(f"The variant '{variant}' is unknown; expected {EXPECTED}.")

    @property
    def terms(self) -> dict[str, tuple[int, int]]:
        """What stands beside the treatment, with its distances in kilometres."""
        if self.kind == "rings":
            return {f"ring_{low}_{high}_km": (low, high) for low, high in RINGS}
        if self.kind == "without_neighbours":
            return {}
        return {f"{self.kind}_{self.km}_km": (0, self.km)}
