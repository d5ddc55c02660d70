"""The coefficients of a build, beside the published ones where the study has any."""

from collections.abc import Iterable

from city_policy.report.cells import Cell, Statistic
from city_policy.report.database import Database, Row
from city_policy.report.study import Study


def coefficients(database: Database, study: Study, order: str, where: str = "true") -> list[Row]:
    """The rows of ``replication.coefficient_comparison``; for a study without published numbers, which has no such
    table, those of ``results.regression_coefficients`` under the same names.
    """
    if database.has("replication.coefficient_comparison"):
        return database.rows("replication.coefficient_comparison", order, where)
    return [
        row
        | {
            "paper_term": "constant" if row["term"] == "(Intercept)" else study.variable(row["term"]),
            "paper_outcome": study.variable(row["outcome"]),
            "paper_treatment": row["treatment"] or "none",
            "published_estimate": None,
            "published_t_stat": None,
            "published_stars": None,
            "published_n_obs": None,
            "published_r2": None,
        }
        for row in database.rows("results.regression_coefficients", order, where)
    ]


class Estimates:
    """Coefficients found by specification and term."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self.rows = list(rows)
        self._of: dict[tuple[object, object], dict[str, Row]] = {}
        self._first: dict[object, Row] = {}
        for row in self.rows:
            self._of.setdefault((row["spec_id"], row["paper_term"]), {})[row["vcov"]] = row
            self._first.setdefault(row["spec_id"], row)

    def specifications(self, result: str, **criteria: object) -> list[Row]:
        """One row per specification of ``result`` whose columns equal ``criteria``, in the order of ``rows``."""
        found: dict[object, Row] = {}
        for row in self.rows:
            if row["result"] == result and all(row[name] == value for name, value in criteria.items()):
                found.setdefault(row["spec_id"], row)
        return list(found.values())

    def cell(self, spec_id: object, term: object) -> Cell:
        """A coefficient with its t values; empty when the regression has no such term, a dash when it has no number."""
        by_vcov = self._of.get((spec_id, term))
        if by_vcov is None:
            return Cell()
        row = next(iter(by_vcov.values()))
        return Cell(
            value=row["estimate"],
            statistics={vcov: Statistic(found["t_stat"], found["p_value"]) for vcov, found in sorted(by_vcov.items())},
            published=_published(row),
            missing=row["estimate"] is None,
        )

    def count(self, spec_id: object) -> Cell:
        """Observations."""
        row = self._first[spec_id]
        published = max((r["published_n_obs"] or 0 for r in self.rows if r["spec_id"] == spec_id), default=0)
        return Cell(row["n_obs"], 0, published=str(published) if published else None, missing=row["n_obs"] is None)

    def r2(self, spec_id: object) -> Cell:
        """R2 with the fixed effects."""
        row = self._first[spec_id]
        published = max((r["published_r2"] or 0 for r in self.rows if r["spec_id"] == spec_id), default=0)
        return Cell(row["r2"], 4, published=f"{published:.4f}" if published else None, missing=row["r2"] is None)

    def of(self, spec_ids: Iterable[object]) -> list[Row]:
        """The rows of some regressions."""
        wanted = set(spec_ids)
        return [row for row in self.rows if row["spec_id"] in wanted]


def _published(row: Row) -> str | None:
    if row.get("published_estimate") is None:
        return None
    text = f"{row['published_estimate']:.4f}{row['published_stars'] or ''}"
    return text if row["published_t_stat"] is None else f"{text} ({row['published_t_stat']:.2f})"
