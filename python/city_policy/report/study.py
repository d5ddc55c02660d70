"""What the study calls things, in Chinese and English, as the seeds say it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from city_policy.report.database import Database, Row
from city_policy.report.typography import one_line

LANGUAGES = ("zh", "en")


# The input of a build, by what marts.dim_study says of it.
INPUTS = {
    "simulated": ("模拟的示例年鉴", "simulated demo yearbook"),
    "panel": ("研究自带的面板", "panel of the study"),
    "yearbooks": ("用户自己的年鉴与补充资料", "yearbooks and supplementary sources"),
}

# The numbers of a paper; a study of its own has none.
PUBLISHED = (
    "seeds.published_estimates",
    "seeds.published_index_weights",
    "seeds.published_summary_statistics",
    "seeds.published_sample_counts",
    "seeds.published_iv_diagnostics",
    "seeds.published_bacon_decomposition",
    "seeds.published_sobel_tests",
)

# What fixed effects, clusters and keys are by.
DIMENSIONS = {
    "adcode": ("城市", "city"),
    "policy_id": ("政策", "policy"),
    "year": ("年份", "year"),
    "province_code": ("省份", "province"),
    "province": ("省份", "province"),
    "region": ("地区", "region"),
}

_CHINESE = r"\u4e00-\u9fff“”、。"
_FULL = str.maketrans(",;:?!()", "\uff0c\uff1b\uff1a\uff1f\uff01\uff08\uff09")
# A sign between digits is part of a number, one before a blank belongs to words of another language, and one behind
# capitals and # is the end of what a spreadsheet shows for an error.
_sign = re.compile(r"(?P<error>#[A-Z0/]+[!?])|(?<!\d)[,;:?!](?!\s)|[,;:?!](?![\s\d])")
_brackets = re.compile(rf"(?:(?<=[{_CHINESE}])|(?=\([^()]*[{_CHINESE}]))\([^()]*\)")


def full_width(words: str) -> str:
    """Chinese words with the punctuation of Chinese; words of another language as they are."""
    if not re.search(r"[\u4e00-\u9fff]", words):
        return words
    words = _brackets.sub(lambda found: f"\uff08{found[0][1:-1]}\uff09", words)
    return _sign.sub(lambda found: found["error"] or found[0].translate(_FULL), words)


@dataclass(frozen=True)
class Text:
    """The same words in both languages; ``text["both"]`` is one after the other, for pictures that are stored once.

    Chinese has full-width punctuation, however a seed or a study writes it. Both are one line without control
    characters and without signs that turn the direction of writing, wherever they come from.
    """

    zh: str
    en: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "zh", full_width(one_line(self.zh)))
        object.__setattr__(self, "en", one_line(self.en))

    def __getitem__(self, language: str) -> str:
        if language == "both":
            return self.zh if self.zh == self.en else f"{self.zh} {self.en}"
        return self.zh if language == "zh" else self.en

    def __bool__(self) -> bool:
        return bool(self.zh or self.en)


def same(words: object) -> Text:
    """Words that read the same in both languages, such as a number or a name."""
    return Text(str(words), str(words))


def capital(words: Text) -> Text:
    """Words with a capital in front, as a row or a sentence begins."""
    return Text(words.zh, words.en[:1].upper() + words.en[1:])


def joined(texts: Iterable[Text], zh: str = "、", en: str = ", ") -> Text:
    """Texts one after the other, with a sign between them."""
    listed = list(texts)
    return Text(zh.join(text.zh for text in listed), en.join(text.en for text in listed))


def _names(rows: Iterable[Row]) -> dict[str, Text]:
    """The names of samples, variables and policies."""
    names = {}
    for row in rows:
        key = str(row.get("policy_id") or row.get("variable") or row.get("sample"))
        names[key] = _either(row["name_zh"], row["name_en"], key)
    return names


def _either(zh: object, en: object, key: object) -> Text:
    """A name; one in one language is better than the identifier."""
    return Text(str(zh or en or key), str(en or zh or key))


def _of_role(rows: Iterable[Row], name: str, role: str) -> list[str]:
    return [str(row[name]) for row in rows if row["role"] == role]


def _title(described: Row) -> Text:
    """The title of marts.dim_study; without one the identifier is the name of a study."""
    known = described.get("title_zh") or described.get("title_en") or described.get("study_id")
    return Text(
        str(described.get("title_zh") or known or "政策效应"),
        str(described.get("title_en") or known or "Policy effects"),
    )


class Names:
    """What a build calls things, by kind and key, and by the identifiers that its sentences use.

    Attributes
    ----------
    policies, other_policies
        The policies of the study and those that are controls, in the order of their seed; ``samples``: its samples.
    column_of
        Variable -> column of the panel, in the order of the seed.
    identifiers
        Names by the identifiers that sentences of the warehouse use: variables with their columns, measures, series,
        samples, estimators, groups, and policies, which have their short names there.
    """

    def __init__(
        self,
        *,
        labels: Iterable[Row],
        series: Iterable[Row],
        indicators: Iterable[Row],
        variables: Sequence[Row],
        policies: Sequence[Row],
        samples: Sequence[Row],
    ) -> None:
        """Take the rows of the seeds ``general_labels`` and ``labels`` in that order, of ``series`` and ``indicators``,
        and of the staged variables, policies and samples in the order of their seeds.
        """
        self._labels = {(row["kind"], row["key"]): Text(str(row["label_zh"]), str(row["label_en"])) for row in labels}
        self._names = _names([*samples, *variables, *policies])
        self._short = {
            str(row["policy_id"]): Text(str(row["short_zh"]), str(row["short_en"]))
            for row in policies
            if row["short_zh"] and row["short_en"]
        }
        self.samples = [str(row["sample"]) for row in samples]
        self.policies = _of_role(policies, "policy_id", "study")
        self.other_policies = [str(row["policy_id"]) for row in policies if row["role"] != "study"]
        self.column_of = {str(row["variable"]): str(row["column_name"]) for row in variables}
        self.identifiers = self._identifiers(series, indicators, samples)

    def _identifiers(self, series: Iterable[Row], indicators: Iterable[Row], samples: Iterable[Row]) -> dict[str, Text]:
        # What another kind of name has too goes before these.
        names = self.labels_of("result", "row", "heading", "comparison")
        for row in indicators:
            for key, name in (("dimension", "dimension"), ("indicator", "name")):
                if row[key]:
                    names[str(row[key])] = _either(row[f"{name}_zh"], row[f"{name}_en"], row[key])
        names |= {str(row["series"]): Text(str(row["name_zh"]), str(row["name_en"])) for row in series}
        names |= {column: Text(*words) for column, words in DIMENSIONS.items()}
        names |= {sample: self.label("row", sample) for sample in self.samples}
        names |= self.labels_of("measure")
        names |= {variable: self.label("row", variable) for variable in self.column_of}
        names |= {column: self.label("row", variable) for variable, column in self.column_of.items()}
        policies = [*self.policies, *self.other_policies]
        names |= {policy: self.label("row", policy) for policy in policies}
        for kind in ("estimator", "group", "estimator_comparison"):
            names |= {key: text for key, text in self.labels_of(kind).items() if key not in names}
        for row in samples:
            # What the paper's audit calls a sample.
            if row.get("published_sample"):
                names.setdefault(str(row["published_sample"]), self.label("row", row["sample"]))
        return names | {policy: self.short(policy) for policy in policies}

    def labelled(self, kind: str, key: object) -> Text | None:
        """The label of seed ``labels``, where there is one."""
        return self._labels.get((kind, str(key)))

    def labels_of(self, *kinds: str) -> dict[str, Text]:
        """The labels of some kinds by their key."""
        return {key: text for (kind, key), text in self._labels.items() if kind in kinds}

    def label(self, kind: str, key: object) -> Text:
        """The label of seed ``labels``, else the name that another seed gives, else the key itself."""
        found = self.labelled(kind, key)
        if found is None and str(key) in self._names:
            name = self._names[str(key)]
            found = capital(name)
        return found or same(key)

    def name(self, key: str) -> Text:
        """The name of a variable, sample or policy as it stands in a sentence."""
        return self._names.get(key) or same(key)

    def short(self, policy: str) -> Text:
        """A policy's short name."""
        return self._short.get(policy) or self.label("row", policy)

    def with_names(self, words: Text) -> Text:
        """Sentences with the names of results and comparisons in place of their keys."""
        zh, en = words.zh, words.en
        for key, label in self.labels_of("comparison", "result").items():
            if "_" in key:
                zh = re.sub(rf" ?\b{key}\b ?", f"“{label.zh}”", zh, flags=re.ASCII)
                en = re.sub(rf"\b{key}\b", f"“{label.en}”", en)
        return Text(zh, en)


class Study(Names):
    """Labels, policies and variables of a build.

    Attributes
    ----------
    title, citation
        What the study is called, and the paper that it replicates, none for a study of its own.
    source
        A key of ``INPUTS``; ``simulated`` is true for the demo yearbook.
    components
        Derived policy -> the policies that it consists of.
    controls, mediators
        Names of variables. ``outcome``: the variable that figures and notes speak of, the index where the study has
        one, else the first outcome.
    specifications
        Specification -> row of the seed, in its order; none in a file of an older version.
    has_outcomes, has_index, has_published
        Whether the study has several outcomes, an index, and numbers of a paper to compare with.
    """

    def __init__(self, database: Database) -> None:
        variables = database.rows("staging.stg_variables", "position")
        policies = database.rows("staging.stg_policies", "position")
        samples = database.rows("staging.stg_samples", "position")
        super().__init__(
            labels=[row for seed in ("general_labels", "labels") for row in database.rows(f"seeds.{seed}", "rowid")],
            series=database.rows("seeds.series", "series"),
            indicators=database.rows("seeds.indicators", "rowid"),
            variables=variables,
            policies=policies,
            samples=samples,
        )
        self.controls = _of_role(variables, "variable", "control")
        self.mediators = _of_role(variables, "variable", "mediator")
        # Python's sort is stable: the index first, else the first outcome.
        outcomes = _of_role(
            sorted(variables, key=lambda row: row["expression"] != "index_value"), "variable", "outcome"
        )
        self.outcome = next(iter(outcomes), "")
        self.has_outcomes = len(outcomes) > 1
        self.components = {str(row["policy_id"]): list(row["components"] or []) for row in policies}
        self._variable_of = {column: variable for variable, column in self.column_of.items()}
        self.specifications = {str(row["specification"]): row for row in database.rows("seeds.specifications", "rowid")}
        self.has_index = bool(
            database.rows("seeds.indicators", "indicator") or database.rows("results.index_weights", "position")
        )
        self.has_published = any(database.rows(seed, "rowid") for seed in PUBLISHED)
        described = next(iter(database.rows("marts.dim_study", "study_id")), {})
        self.title = _title(described)
        named = described.get("citation")
        self.citation = self.text("citation", same(named)) if named else None
        self.source = self._source(database, described)
        self.simulated = self.source == "simulated"

    @staticmethod
    def _source(database: Database, described: Row) -> str:
        said = str(described.get("data_source") or "")
        # A file of an older version has no table of the study.
        for table in ("results.soundness_notes", "replication.replication_scorecard"):
            said = said or next((str(row["data_source"]) for row in database.rows(table, "data_source")), "")
        return next((key for key in INPUTS if key in said), "")

    @property
    def input(self) -> Text:
        """What the build was made from, in words."""
        return Text(*INPUTS[self.source]) if self.source else same("—")

    def text(self, key: str, general: Text) -> Text:
        """Words of the study itself (kind ``text`` of its labels) in place of the general ones."""
        return self.labelled("text", key) or general

    def variable(self, column: object) -> str:
        """The variable that a column of the panel holds; a column may carry its unit."""
        return self._variable_of.get(str(column), str(column))

    def specification(self, row: Row) -> str:
        """The name of the specification of an estimate, without the policy that it was run for."""
        name = str(row["spec_id"]).split("__")[0]
        return name if name in self.specifications else name.removesuffix(f"_{row['treatment']}")

    def specification_label(self, name: str) -> Text | None:
        """What a specification is: its label, else its description."""
        found = self.labelled("specification", name)
        description = str(self.specifications.get(name, {}).get("description") or "")
        return found or (capital(same(description)) if description else None)

    def asks(self, *results: str) -> bool:
        """Whether the study has a specification of one of the results; a file of an older version is taken to."""
        return not self.specifications or any(row["result"] in results for row in self.specifications.values())

    @property
    def results(self) -> list[str]:
        """The results that the specifications fill, in their order."""
        return list(dict.fromkeys(str(row["result"]) for row in self.specifications.values()))

    def uses(self, estimator: str) -> bool:
        """Whether a specification of the study has the estimator; a file of an older version is taken to."""
        return not self.specifications or any(row["estimator"] == estimator for row in self.specifications.values())

    def figure_number(self, result: str) -> int | None:
        """The number that a figure of ``result`` has in the paper."""
        for row in self.specifications.values():
            found = re.fullmatch(r"Figure (\d+)", str(row["paper_table"] or ""))
            if row["result"] == result and found:
                return int(found[1])
        return None

    def measure(self, row: Row) -> Text:
        """The name of a measure of quality.input_summary: its label, else the name of the series behind it."""
        series = Text(str(row["series_name_zh"]), str(row["series_name_en"]))
        return self._labels.get(("measure", str(row["measure"]))) or series

    def basis(self, row: Row) -> Text:
        """By what a measure of quality.input_summary was measured: the series, with the prices where they matter."""
        series = Text(str(row["series_name_zh"]), str(row["series_name_en"]))
        return self._labels.get(("basis", str(row["basis"]))) or series
