"""What an estimator is asked: one regression as a row of ``seeds/studies/nqp/specifications.csv`` states it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import MISSING, dataclass
from types import MappingProxyType

import numpy as np
import pandas as pd

from city_policy.errors import InputError

REQUIRED_CELLS = ("spec_id", "result", "estimator", "outcome", "treatment", "sample")


@dataclass(frozen=True)
class Specification:
    """One regression.

    ``treatment``: a policy of the treatment timing or a column of the panel; ``lag``: years by which it is
    shifted; ``sample``: a boolean column of the panel; ``extra_controls``: policies or columns beside the common
    controls; ``extra_fixed_effects``: columns, or two columns joined by ``^``, beside city and year; ``cluster``:
    a column. ``comparison_sample``: the second sample of a comparison of groups; ``mediator``: a column of the
    panel; ``variant``: what else an estimator lets one choose (an instrument, the rule of a match).
    """

    spec_id: str
    result: str
    paper_table: str | None
    panel: str | None
    column_no: int | None
    estimator: str
    outcome: str
    treatment: str
    lag: int
    sample: str
    extra_controls: tuple[str, ...]
    extra_fixed_effects: tuple[str, ...]
    cluster: str
    comparison_sample: str | None = None
    mediator: str | None = None
    variant: str | None = None

    @classmethod
    def from_row(cls, row: Mapping) -> "Specification":
        """From a row of the seed: lists are separated by spaces, a blank cell is None, a blank lag 0, a blank
        cluster ``adcode``.

        Raises InputError for a missing column (those with a default may be missing), a blank cell that is required, or
        a lag or column number that is not whole.
        """
        cells = {}
        for name, field in cls.__dataclass_fields__.items():
            if name not in row and field.default is MISSING:
                raise InputError(f"The specifications have no column '{name}'.")
            cells[name] = _text_of(row.get(name))
        spec_id = cells["spec_id"]
        for name in REQUIRED_CELLS:
            if not cells[name]:
                raise InputError(f"Specification '{spec_id}' has a blank {name}.")
        values: dict = {name: text or None for name, text in cells.items()}
        values |= {name: _whole_number(spec_id, name, cells[name]) for name in ("lag", "column_no")}
        values |= {name: tuple(cells[name].split()) for name in ("extra_controls", "extra_fixed_effects")}
        return cls(**values | {"lag": values["lag"] or 0, "cluster": cells["cluster"] or "adcode"})


def _text_of(value) -> str:
    """The text of a cell, '' for a blank one."""
    if value is None or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return ""
    text = str(value).strip()
    # A column of whole numbers with gaps arrives as 1.0, 2.0 ...
    return text.removesuffix(".0") if isinstance(value, float) else text


def _whole_number(spec_id: str, name: str, text: str) -> int | None:
    try:
        return int(text) if text else None
    except ValueError:
        raise InputError(f"Specification '{spec_id}' has the {name} '{text}'; expected a whole number.") from None


OPTIONAL_CELLS = MappingProxyType(
    {name: None for name in Specification.__dataclass_fields__ if name not in REQUIRED_CELLS}
)


def read_specifications(
    specifications: pd.DataFrame | Iterable[Specification],
    absent: Mapping[str, str | None] = OPTIONAL_CELLS,
    required: Sequence[str] = (),
) -> list[Specification]:
    """The specifications, each once.

    ``specifications``: a frame with one row each, or :class:`Specification` values. ``absent``: what a column
    that the frame lacks stands for; any other column without a default must be there. ``required``: optional cells
    that these specifications must have.

    Raises InputError for a missing column or cell, or a repeated or malformed specification.
    """
    if isinstance(specifications, pd.DataFrame):
        for name in required:
            if name not in specifications.columns:
                raise InputError(f"The specifications have no column '{name}'.")
        result = [Specification.from_row({**absent, **row}) for row in specifications.to_dict("records")]
    else:
        result = list(specifications)
    names = set()
    for specification in result:
        if specification.spec_id in names:
            raise InputError(f"Specification '{specification.spec_id}' is listed twice; expected one row each.")
        names.add(specification.spec_id)
        for name in required:
            if getattr(specification, name) is None:
                raise InputError(f"Specification '{specification.spec_id}' has a blank {name}.")
    return result


def split_controls(variables: pd.DataFrame) -> dict[str, list[str]]:
    """The controls of the study by whether the input covers them, as keyword arguments of the estimators.

    ``variables``: one row per variable of the study with ``role``, ``column_name`` and ``is_covered``. Returns the
    column names under ``controls`` and ``controls_not_covered``, in the order of the rows.
    """
    controls = variables[variables["role"] == "control"]
    covered = controls["is_covered"].astype(bool)
    return {
        "controls": controls.loc[covered, "column_name"].tolist(),
        "controls_not_covered": controls.loc[~covered, "column_name"].tolist(),
    }
