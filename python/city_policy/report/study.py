"""What the study calls things, in Chinese and English, as the seeds say it."""

from dataclasses import dataclass

from city_policy.report.database import Database, Row

LANGUAGES = ("zh", "en")


@dataclass(frozen=True)
class Text:
    """The same words in both languages; ``text["both"]`` is one after the other, for pictures that are stored once."""

    zh: str
    en: str

    def __getitem__(self, language: str) -> str:
        if language == "both":
            return self.zh if self.zh == self.en else f"{self.zh} {self.en}"
        return self.zh if language == "zh" else self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


def same(words: object) -> Text:
    """Words that read the same in both languages, such as a number or a name."""
    return Text(str(words), str(words))


class Study:
    """Labels, policies and variables of a build.

    ``policies``: the policies of the study in the order of their seed. ``controls``, ``mediators``: names of
    variables. ``outcome``: the variable that figures and notes speak of, the index where the study has one.
    ``components``: the policies that a derived policy consists of. ``simulated``: whether the input was the demo
    yearbook.
    """

    def __init__(self, database: Database) -> None:
        self._labels = {
            (row["kind"], row["key"]): Text(str(row["label_zh"]), str(row["label_en"]))
            for table in ("seeds.general_labels", "seeds.labels")
            for row in database.rows(table, "rowid")
        }
        self._names: dict[str, Text] = {}
        variables = database.rows("staging.stg_variables", "position")
        policies = database.rows("staging.stg_policies", "position")
        for row in [*database.rows("staging.stg_samples", "position"), *variables, *policies]:
            key = row.get("policy_id") or row.get("variable") or row.get("sample")
            english = str(row["name_en"] or key)
            self._names[str(key)] = Text(str(row["name_zh"] or key), english[:1].upper() + english[1:])
        self._short = {
            str(row["policy_id"]): Text(str(row["short_zh"]), str(row["short_en"]))
            for row in policies
            if row["short_zh"] and row["short_en"]
        }
        self.samples = [str(row["sample"]) for row in database.rows("staging.stg_samples", "position")]
        self.policies = [str(row["policy_id"]) for row in policies if row["role"] == "study"]
        self.other_policies = [str(row["policy_id"]) for row in policies if row["role"] != "study"]
        self.controls = [str(row["variable"]) for row in variables if row["role"] == "control"]
        self.mediators = [str(row["variable"]) for row in variables if row["role"] == "mediator"]
        outcomes = [row for row in variables if row["role"] == "outcome"]
        outcomes.sort(key=lambda row: row["expression"] != "index_value")
        self.outcome = str(outcomes[0]["variable"]) if outcomes else ""
        self.components = {str(row["policy_id"]): list(row["components"] or []) for row in policies}
        self.column_of = {str(row["variable"]): str(row["column_name"]) for row in variables}
        self.identifiers = self._identifiers(database)
        self.data_source = self._data_source(database)
        self.simulated = self.data_source.startswith("simulated")

    @staticmethod
    def _data_source(database: Database) -> str:
        for table in ("results.soundness_notes", "replication.replication_scorecard"):
            rows: list[Row] = database.rows(table, "data_source")
            if rows:
                return str(rows[0]["data_source"]).split(":")[0]
        return ""

    def _identifiers(self, database: Database) -> dict[str, Text]:
        """Names by the identifiers that notes use: columns and names of variables, measures and series."""
        names = {
            str(row["series"]): Text(str(row["name_zh"]), str(row["name_en"]))
            for row in database.rows("seeds.series", "series")
        }
        names |= {sample: self.label("row", sample) for sample in self.samples}
        names |= {key: text for (kind, key), text in self._labels.items() if kind == "measure"}
        names |= {column: self.label("row", variable) for variable, column in self.column_of.items()}
        return names | {policy: self.label("row", policy) for policy in [*self.policies, *self.other_policies]}

    def label(self, kind: str, key: object) -> Text:
        """The label of seed ``labels``, else the name that another seed gives, else the key itself."""
        return self._labels.get((kind, str(key))) or self._names.get(str(key)) or same(key)

    def measure(self, row: Row) -> Text:
        """The name of a measure of quality.input_summary: its label, else the name of the series behind it."""
        series = Text(str(row["series_name_zh"]), str(row["series_name_en"]))
        return self._labels.get(("measure", str(row["measure"]))) or series

    def basis(self, row: Row) -> Text:
        """By what a measure of quality.input_summary was measured: the series, with the prices where they matter."""
        series = Text(str(row["series_name_zh"]), str(row["series_name_en"]))
        return self._labels.get(("basis", str(row["basis"]))) or series

    def short(self, policy: str) -> Text:
        """A policy's short name."""
        return self._short.get(policy) or self.label("row", policy)
