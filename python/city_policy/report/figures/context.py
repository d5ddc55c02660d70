"""What figures are drawn from."""

from dataclasses import dataclass

from city_policy.report.database import Database, Row
from city_policy.report.estimates import coefficients
from city_policy.report.study import Study, Text


@dataclass(frozen=True)
class Context:
    """A database, and what its study calls things."""

    database: Database
    study: Study

    def cities(self) -> list[Row]:
        """Every city, in the order of the codes."""
        return self.database.rows("marts.dim_city", "adcode")

    def effects(self, table: str, order: str, where: str = "true") -> list[Row]:
        """Estimates of effects on the study's outcome: those on another have another unit and stand in the tables."""
        outcome = self.study.column_of.get(self.study.outcome, "")
        return self.database.rows(table, order, f"({where}) and outcome = '{outcome}'")

    def estimates(self, order: str, where: str = "true") -> list[Row]:
        """Coefficients of regressions on the study's outcome, beside the published ones."""
        outcome = self.study.column_of.get(self.study.outcome, "")
        return coefficients(self.database, self.study, order, f"({where}) and outcome = '{outcome}'")

    def of_outcome(self, rows: list[Row]) -> list[Row]:
        """The rows whose specification is on the study's outcome, or is not known."""
        outcome = self.study.column_of.get(self.study.outcome, "")
        named = {self.study.outcome, outcome, "", None}
        found = self.study.specifications
        return [row for row in rows if found.get(self.study.specification(row), {}).get("outcome") in named]

    def first_of_each(self, rows: list[Row]) -> list[Row]:
        """Of every policy the rows of its first specification: further ones of the same result stand in the tables."""
        place = {name: number for number, name in enumerate(self.study.specifications)}
        first: dict[object, object] = {}
        for row in sorted(rows, key=lambda row: place.get(self.study.specification(row), len(place))):
            first.setdefault(row["treatment"], row["spec_id"])
        return [row for row in rows if first[row["treatment"]] == row["spec_id"]]

    def city_names(self) -> dict[str, Text]:
        """Adcode -> the name of the city."""
        return {
            str(row["adcode"]): Text(
                str(row["city_name_zh"] or row["adcode"]),
                str(row["city_name_en"] or row["city_name_zh"] or row["adcode"]),
            )
            for row in self.cities()
        }

    def first_years(self) -> dict[tuple[str, str], int]:
        """City and policy -> first treated year, where there is one."""
        return {
            (str(row["adcode"]), str(row["policy_id"])): int(row["first_treated_year"])
            for row in self.database.rows(
                "marts.fct_city_policy", "adcode, policy_id", "first_treated_year is not null"
            )
        }
