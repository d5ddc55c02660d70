"""Make the assets that Superset imports: from one definition (assets/) a dashboard in English and one in Chinese, each
with a form for narrow screens.

The texts of the definition are English; ``texts.csv`` has the Chinese ones. Names of the study come from the
publication. Nothing here needs Superset.
"""

import copy
import csv
import re
import uuid
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from publication import LANGUAGES, Publication

HERE = Path(__file__).parent
ASSETS = HERE / "assets"
# Superset's grid has twelve columns.
WHOLE_ROW = 12
# A chart of this height shows its text in one column on a narrow screen.
PHONE_HEIGHT = 36
CHARTS_IN_A_ROW = 3
# What data tables may lack in silence: where there are no rows, nothing is suspicious.
KEPT_WITHOUT_ROWS = "quality"
# Token -> the table with the Chinese form of English sentences.
SENTENCES = {"sentence": "results.sentences", "replication_sentence": "replication.replication_sentences"}
# Tokens whose Chinese names stand in texts.csv, with the token before each key.
KINDS_OF_TEXTS = ("basis", "origin", "scope", "severity", "significance", "status")
# What the panel of a published number may be; the last of two names wins.
KINDS_OF_PANELS = ("basis", "heading", "role", "dimension", "variable", "policy", "panel")
TITLE_PARAMETERS = ("y_axis_title", "x_axis_title")
METRIC_PARAMETERS = ("metrics", "metric", "x", "y", "size", "timeseries_limit_metric")
_token = re.compile(r"@(\w+)\(((?:[^()]|\([^()]*\))*)\)")
Asset = dict[str, Any]


def sql_text(text: str) -> str:
    """A text as a literal of SQL."""
    return "'" + text.replace("'", "''") + "'"


def sql_name(name: str) -> str:
    """A name of a column as SQL quotes it."""
    return '"' + name.replace('"', '""') + '"'


@cache
def texts() -> dict[str, str]:
    """English text of the definition -> Chinese text."""
    with open(HERE / "texts.csv", encoding="utf-8", newline="") as handle:
        return {row["en"]: row["zh"] for row in csv.DictReader(handle)}


def read_assets(kind: str) -> dict[str, Asset]:
    """The definition's assets of a kind, by the name of their file."""
    return {
        path.stem: yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted((ASSETS / kind).glob("*.yaml"))
    }


class Dashboards:
    """The assets in one language.

    ``has_rows``: whether a query of the publication gives a row; charts without rows are left out.
    """

    def __init__(self, publication: Publication, language: str, has_rows: Callable[[str], bool]) -> None:
        self.publication = publication
        self.language = language
        self._has_rows = has_rows
        self._datasets = self._made_datasets()
        self._charts = self._made_charts()

    def text(self, english: str, **names: str) -> str:
        """A text of the definition in the language, with ``{names}`` filled in."""
        words = english if self.language == "en" else texts()[english]
        names |= {"outcome": self.name("variable", self.publication.outcome)}
        # In one pass: what is filled in is never read again.
        return re.sub(r"\{(\w+)\}", lambda found: names[found[1]], words)

    def name(self, kind: str, key: str) -> str:
        """What the publication calls a policy, variable, sample and so on; the key where it has no name."""
        return self.publication.names.get(kind, {}).get(key, {}).get(self.language, key)

    def identifier(self, identifier: str, *parts: str) -> str:
        """The UUID of an asset in the language: that of the definition for the plain English one."""
        if self.language != "en":
            parts = (self.language, *parts)
        return str(uuid.uuid5(uuid.UUID(identifier), " ".join(parts))) if parts else identifier

    def assets(self) -> Iterator[tuple[str, Asset]]:
        """Path and content of datasets, charts and dashboards."""
        end = self.language
        for name, dataset in self._datasets.items():
            yield f"datasets/{name}_{end}.yaml", dataset
        for name, charts in self._charts.items():
            for number, chart in enumerate(charts):
                yield f"charts/{name}_{number}_{end}.yaml", chart
        for form in ("", "phone"):
            yield f"dashboards/city_policy_{end}{form}.yaml", self._dashboard(form)

    # Datasets

    def _made_datasets(self) -> dict[str, Asset]:
        made = {}
        for name, definition in read_assets("datasets").items():
            dataset = copy.deepcopy(definition)
            if name == "index_dimensions" and not self.publication.dimensions:
                continue
            dataset["sql"] = self.sql(dataset["sql"])
            if not self._is_published(dataset["sql"]):
                continue
            if dataset["schema"] != KEPT_WITHOUT_ROWS and not self._has_rows(dataset["sql"]):
                continue
            dataset["uuid"] = self.identifier(dataset["uuid"])
            if self.language != "en":
                dataset["table_name"] += f"_{self.language}"
            dataset["description"] = self.text(dataset["description"])
            for column in dataset["columns"]:
                self._label(column)
            if name == "city_panel":
                dataset["columns"] += [self._variable(column) for column in self.publication.variables]
            made[name] = dataset
        return made

    def _label(self, column: Asset) -> None:
        """Name and description of a column in the language; in Chinese the name is the description too."""
        column["verbose_name"] = self.text(column["verbose_name"])
        if self.language != "en":
            column["description"] = column["verbose_name"]

    def _variable(self, column: str) -> Asset:
        """A variable of the study as a column of the panel."""
        name = self.name("variable", column)
        return {
            "column_name": column,
            "verbose_name": name,
            "type": "DOUBLE",
            "groupby": True,
            "filterable": True,
            "is_dttm": False,
            "description": name,
        }

    def _is_published(self, sql: str) -> bool:
        named = re.findall(r"\b(?:from|join) ((?:marts|results|replication|quality)\.\w+)", sql)
        return set(named) <= self.publication.tables

    def sql(self, definition: str) -> str:
        """A query of the definition with its tokens replaced.

        ``@text(words)`` is a text in the language, ``@kind(column)`` the name that belongs to the key in a column,
        ``@sentence(column)`` the sentence in a column, ``@yes_or_no(column)`` a boolean in words.
        """
        outcome = sql_name(self.publication.outcome)
        variables = [
            f",\n    cast(panel.{sql_name(column)} as double precision) as {sql_name(column)}"
            for column in self.publication.variables
        ]
        dimensions = " union all ".join(
            f"select adcode, year, in_sample, {sql_text(dimension)} as dimension, {sql_name(column)} as score "
            "from marts.fct_study_panel"
            for dimension, column in self.publication.dimensions
        )
        plain = {"language": self.language, "outcome": outcome, "variables": "".join(variables)}
        plain |= {"dimensions": dimensions, "policies_of_cities": self._policies_of_cities()}
        named = _token.sub(lambda token: self._named(token[1], token[2]), definition)
        return re.sub(rf"@({'|'.join(plain)})\b", lambda token: plain[token[1]], named)

    def _policies_of_cities(self) -> str:
        return f"""
    select
        starts.adcode,
        string_agg({self._named("policy", "starts.policy_id")}, ' + ' order by starts.policy_id) as pilots
    from marts.fct_city_policy as starts
    inner join marts.dim_policy as policies on starts.policy_id = policies.policy_id
    where policies.role = 'study' and policies.kind <> 'derived' and starts.first_treated_year is not null
    group by starts.adcode
"""

    def _named(self, kind: str, argument: str) -> str:
        """The SQL of a token."""
        if kind == "text":
            return sql_text(self.text(argument))
        if kind in SENTENCES:
            return self._sentence(SENTENCES[kind], argument)
        if kind == "yes_or_no":
            yes, no = sql_text(self.text("yes")), sql_text(self.text("no"))
            return f"case when {argument} then {yes} when not {argument} then {no} end"
        known = {}
        for part in KINDS_OF_PANELS if kind == "panel" else (kind,):
            known |= {key: names[self.language] for key, names in self.publication.names.get(part, {}).items()}
            if self.language != "en" and part in KINDS_OF_TEXTS:
                beginning = f"{part}: "
                known |= {
                    english.removeprefix(beginning): chinese
                    for english, chinese in texts().items()
                    if english.startswith(beginning)
                }
        if not known:
            return argument
        cases = " ".join(f"when {sql_text(key)} then {sql_text(name)}" for key, name in known.items())
        return f"case {argument} {cases} else {argument} end"

    def _sentence(self, table: str, column: str) -> str:
        """The sentence in a column, in Chinese where the publication has its Chinese form."""
        if self.language == "en" or table not in self.publication.tables:
            return column
        return f"coalesce((select said.sentence_zh from {table} as said where said.sentence = {column}), {column})"

    # Charts

    def _made_charts(self) -> dict[str, list[Asset]]:
        """The charts that come of each chart of the definition: none without data, one per event study."""
        identifiers = {dataset["uuid"]: name for name, dataset in read_assets("datasets").items()}
        made = {}
        for name, definition in read_assets("charts").items():
            dataset = identifiers[definition["dataset_uuid"]]
            if dataset not in self._datasets:
                made[name] = []
            elif name == "event_study":
                made[name] = [
                    self._chart(definition, dataset, spec_id=study.spec_id, policy=self.name("policy", study.policy))
                    for study in self.publication.event_studies
                ]
            else:
                made[name] = [self._chart(definition, dataset)]
        return made

    def _chart(self, definition: Asset, dataset: str, **names: str) -> Asset:
        chart = copy.deepcopy(definition)
        chart["uuid"] = self.identifier(chart["uuid"], *names.values())
        chart["dataset_uuid"] = self._datasets[dataset]["uuid"]
        chart["slice_name"] = self.text(chart["slice_name"], **names)
        chart["description"] = self.text(chart["description"], **names)
        parameters = chart["params"]
        columns = {column["column_name"] for column in self._datasets[dataset]["columns"]}
        for key in TITLE_PARAMETERS:
            if key in parameters:
                parameters[key] = self.text(parameters[key], **names)
        # The axis is sorted by a column or by the label of a metric.
        if parameters.get("x_axis_sort") and parameters["x_axis_sort"] not in columns:
            parameters["x_axis_sort"] = self.text(parameters["x_axis_sort"])
        for key in METRIC_PARAMETERS:
            metrics = parameters.get(key, [])
            for metric in metrics if isinstance(metrics, list) else [metrics]:
                metric["label"] = self.text(metric["label"])
        for condition in parameters["adhoc_filters"]:
            if condition["comparator"] == "{spec_id}":
                condition["comparator"] = names["spec_id"]
        if chart["viz_type"] == "table" and "outcome" in columns and dataset == "city_panel":
            parameters["all_columns"] += self.publication.variables
            parameters["column_config"] |= {column: {"d3NumberFormat": ".4~g"} for column in self.publication.variables}
        return chart

    # The dashboard

    def _dashboard(self, form: str) -> Asset:
        """A dashboard of the language: the wide one, or the one for narrow screens (``phone``), with one chart per row
        and without the filter bar, because Superset squeezes both.
        """
        (definition,) = read_assets("dashboards").values()
        title = self.text(definition["dashboard_title"])
        slug = definition["slug"] + ("" if self.language == "en" else f"-{self.language}")
        position = Position(is_narrow=bool(form))
        position.add_markdown(self._links(definition, form))
        for row in definition["top"]:
            position.add_row("GRID_ID", self._parts(row))
        tabs = {}
        for tab in definition["tabs"]:
            rows = [parts for parts in (self._parts(row) for row in tab["rows"]) if parts]
            if rows:
                tabs[tab["text"]] = position.add_tab(self.text(tab["text"]))
                for parts in rows:
                    position.add_row(tabs[tab["text"]], parts)
        scope = [tabs[text] for text in definition["filtered_tabs"]]
        filters = [] if form else [self._filter(filter_, definition, scope) for filter_ in definition["filters"]]
        return {
            "dashboard_title": self.text("{title} (phone)", title=title) if form else title,
            "description": self.text(definition["description"]),
            "css": definition["css"],
            "slug": f"{slug}-{form}" if form else slug,
            "uuid": self.identifier(definition["uuid"], *([form] if form else [])),
            "published": True,
            "version": "1.0.0",
            "position": position.made(title),
            "metadata": {
                "color_scheme": "",
                "cross_filters_enabled": True,
                "refresh_frequency": 0,
                "native_filter_configuration": filters,
            },
        }

    def _parts(self, row: list[Asset]) -> list[tuple[Asset, int, int]]:
        """Chart, width and height of the charts of a row that exist."""
        return [(chart, part["width"], part["height"]) for part in row for chart in self._charts[part["chart"]]]

    def _links(self, definition: Asset, form: str) -> str:
        """Where the dashboard is in the other languages, as Markdown."""
        end = f"-{form}/?standalone=1" if form else "/"
        links = []
        for language, words in zip(LANGUAGES, ("English", "中文"), strict=True):
            slug = definition["slug"] + ("" if language == "en" else f"-{language}")
            links.append(f"**{words}**" if language == self.language else f"[{words}](/superset/dashboard/{slug}{end})")
        return " · ".join(links)

    def _filter(self, filter_: Asset, definition: Asset, scope: list[str]) -> Asset:
        dataset = self._datasets[definition["filtered_dataset"]]["uuid"]
        return {
            "id": f"NATIVE_FILTER-{filter_['column']}",
            "name": self.text(filter_["name"]),
            "type": "NATIVE_FILTER",
            "filterType": "filter_select",
            "targets": [{"datasetUuid": dataset, "column": {"name": filter_["column"]}}],
            "controlValues": {
                "multiSelect": True,
                "enableEmptyFilter": False,
                "defaultToFirstItem": False,
                "inverseSelection": False,
                "searchAllOptions": False,
            },
            "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
            "cascadeParentIds": [],
            "scope": {"rootPath": scope, "excluded": []},
            "description": "",
            "chartsInScope": [],
            "tabsInScope": scope,
        }


class Position:
    """The places of a dashboard's parts, as Superset writes them."""

    def __init__(self, *, is_narrow: bool) -> None:
        self._is_narrow = is_narrow
        self._parts: dict[str, Any] = {
            "ROOT_ID": {"type": "ROOT", "id": "ROOT_ID", "children": ["GRID_ID"]},
            "GRID_ID": {"type": "GRID", "id": "GRID_ID", "children": [], "parents": ["ROOT_ID"]},
        }

    def _add(self, kind: str, parent: str, meta: Asset) -> str:
        identifier = f"{kind}-{len(self._parts)}"
        above = self._parts[parent]
        self._parts[identifier] = {
            "type": kind,
            "id": identifier,
            "children": [],
            "parents": [*above.get("parents", []), parent],
            "meta": meta,
        }
        above["children"].append(identifier)
        return identifier

    def add_markdown(self, words: str) -> None:
        """A row of text on top."""
        row = self._add("ROW", "GRID_ID", {"background": "BACKGROUND_TRANSPARENT"})
        self._add("MARKDOWN", row, {"code": words, "width": WHOLE_ROW, "height": 6})

    def add_tab(self, words: str) -> str:
        """The identifier of a new tab."""
        tabs = next((name for name, part in self._parts.items() if part["type"] == "TABS"), None)
        return self._add("TAB", tabs or self._add("TABS", "GRID_ID", {}), {"text": words})

    def add_row(self, parent: str, parts: list[tuple[Asset, int, int]]) -> None:
        """Charts beside each other, or below each other on a narrow screen."""
        width = sum(width for _, width, _ in parts)
        per_row = 1 if self._is_narrow else CHARTS_IN_A_ROW if width > WHOLE_ROW else len(parts)
        for start in range(0, len(parts), per_row or 1):
            row = self._add("ROW", parent, {"background": "BACKGROUND_TRANSPARENT"})
            for chart, width, height in parts[start : start + per_row]:
                if self._is_narrow and width == WHOLE_ROW:
                    # Text takes more lines.
                    height = max(height, PHONE_HEIGHT)
                meta = {
                    "chartId": len(self._parts),
                    "uuid": chart["uuid"],
                    "sliceName": chart["slice_name"],
                    "width": WHOLE_ROW if self._is_narrow else width,
                    "height": height,
                }
                self._add("CHART", row, meta)

    def made(self, title: str) -> Asset:
        """All places."""
        header = {"type": "HEADER", "id": "HEADER_ID", "meta": {"text": title}}
        return {"DASHBOARD_VERSION_KEY": "v2", "HEADER_ID": header} | self._parts


def make_assets(publication: Publication, database_uri: str, has_rows: Callable[[str], bool]) -> dict[str, str]:
    """Path -> YAML text of every asset, with ``database_uri`` as the database to read."""
    (database,) = read_assets("databases").values()
    contents = {"databases/city_policy.yaml": database | {"sqlalchemy_uri": database_uri}}
    for language in LANGUAGES:
        contents |= dict(Dashboards(publication, language, has_rows).assets())
    made = {path: yaml.safe_dump(content, allow_unicode=True) for path, content in contents.items()}
    return made | {"metadata.yaml": (ASSETS / "metadata.yaml").read_text(encoding="utf-8")}
