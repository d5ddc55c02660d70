"""What earlier builds estimated: a request with the same content has the same answer, so it is not computed again.

An answer is kept under the digest of everything that it depends on: the estimator, the specification, the options, the
columns, rows, groups and policies of its request, and the code and libraries that compute it. Nothing else of the panel
counts, so that another sample or control leaves every other regression as it is.
"""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

from city_policy import memory
from city_policy.estimation.contract.record import EXPECTED_ERRORS, NotIdentifiedError
from city_policy.estimation.contract.request import Request

LIBRARIES = (
    "numpy", "scipy", "pandas", "scikit-learn", "statsmodels", "diff-diff", "doubleml", "pyfixest", "linearmodels"
)  # fmt: skip
Estimate = Callable[[Request], Mapping[str, Iterable[Mapping[str, Any]]]]
Answer = Mapping[str, list[Mapping[str, Any]]]


def remembered(estimate: Estimate, request: Request) -> Answer:
    """The answer of ``estimate`` to ``request``, from memory where it is known.

    Raises the two expected errors as ``estimate`` does, also from memory.
    """
    parts = parts_of(estimate, request) if memory.is_kept() else None
    if parts is None:
        return _listed(estimate(request))
    key = memory.digest(parts)
    found = memory.recall(key)
    if found is None:
        try:
            answer = _listed(estimate(request))
        except EXPECTED_ERRORS as problem:
            is_finding = isinstance(problem, NotIdentifiedError)
            memory.keep(key, ("problem", (is_finding, str(problem), getattr(problem, "counts", {}))))
            raise
        memory.keep(key, ("answer", answer))
        return answer
    kind, content = found
    if kind == "answer":
        return content
    is_finding, message, counts = content
    raise NotIdentifiedError(message, counts) if is_finding else EXPECTED_ERRORS[0](message)


def parts_of(estimate: Estimate, request: Request) -> list[memory.Part] | None:
    """What an answer depends on; None where an option is more than a number or a name."""
    options = sorted(request.options.items())
    if any(not isinstance(value, (int, float, str, bool, type(None))) for _, value in options):
        return None
    panel, one = request.panel, request.specification
    code = memory.code_digest(Path(__file__).resolve().parents[1], LIBRARIES)
    parts: list[memory.Part] = [code, estimate.__module__, estimate.__qualname__, repr(one), repr(options)]
    parts += [panel.adcodes, panel.city, panel.year]
    for policy, starts in sorted(panel.timing.items()):
        parts += [policy, starts.index.to_numpy(dtype="str"), starts.to_numpy(dtype="float64")]
    for columns in (request.columns, request.controls, request.alike):
        parts.append(str(len(columns)))
        for name, column in columns.items():
            parts += [name, column]
    for rows in (request.rows, request.comparison):
        if rows is not None:
            parts += [rows.eligible, rows.used, repr(sorted(rows.counts.items()))]
    parts.append(repr(sorted(request.counts.items())))
    parts += [panel.groups(name) for name in (*one.extra_fixed_effects, *one.cluster.split())]
    return parts


def _listed(answer: Mapping[str, Iterable[Mapping[str, Any]]]) -> Answer:
    return {name: list(rows) for name, rows in answer.items()}
