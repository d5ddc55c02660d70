"""The files of a study folder and their columns.

The columns, their order and types are those of the seed properties in ``models/staging``, so that there is one list of
them. What only concerns a person's folder stands here: which files and cells may be missing, and what a cell may hold.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

PROPERTY_FILES = ("_study__seeds.yml", "_study_words__seeds.yml", "_published__seeds.yml")
REQUIRED_FILES = ("study", "policies", "variables", "specifications")

# Cells that may not be blank, beside the files' keys.
REQUIRED_CELLS: Mapping[str, tuple[str, ...]] = {
    "study": ("key",),
    "policies": ("policy_id",),
    "pilot_units": ("policy_id", "unit", "start_year"),
    "variables": ("variable", "role"),
    "indicators": ("indicator", "dimension", "direction", "computed_by"),
    "coupling_components": ("subsystem", "component", "numerator", "denominator"),
    "samples": ("sample", "condition"),
    "specifications": ("specification", "result", "estimator", "outcome", "treatment"),
    "labels": ("kind", "key", "label_zh", "label_en"),
    "expectations": ("expectation_id", "severity", "table_name", "expectation"),
    "soundness_topics": ("result", "topic", "note"),
    "claimed_orderings": ("ordering",),
    "count_explanations": ("count",),
    "published_sample_counts": ("expression",),
    "tables": ("table_no", "title_zh", "title_en"),
}

# What tells the rows of a file apart.
KEYS: Mapping[str, tuple[str, ...]] = {
    "study": ("key",),
    "policies": ("policy_id",),
    "variables": ("variable",),
    "indicators": ("indicator",),
    "coupling_components": ("component",),
    "samples": ("sample",),
    "specifications": ("specification",),
    "labels": ("kind", "key"),
    "expectations": ("expectation_id",),
    "soundness_topics": ("result",),
    "claimed_orderings": ("ordering",),
    "count_explanations": ("count",),
    "tables": ("table_no",),
}

# The estimators that stay right where effects differ by cohort and time.
ROBUST_ESTIMATORS = (
    "imputation", "callaway_santanna", "sun_abraham", "etwfe", "stacked", "local_projections", "synthetic_did",
    "chaisemartin_dhaultfoeuille",
)  # fmt: skip

CHOICES: Mapping[tuple[str, str], tuple[str, ...]] = {
    ("policies", "kind"): ("listed", "derived", "column"),
    ("policies", "role"): ("study", "other"),
    ("pilot_units", "confidence"): ("A", "B", "C"),
    ("variables", "role"): ("outcome", "treatment", "control", "mediator", "instrument", "group", "measure"),
    ("indicators", "direction"): ("1", "-1"),
    ("indicators", "computed_by"): ("ratio", "level", "frontier", "coupling"),
    ("coupling_components", "subsystem"): ("digital", "real"),
    ("expectations", "severity"): ("error", "warning"),
    ("soundness_topics", "layer"): ("results", "replication"),
    ("count_explanations", "basis"): ("lists", "frame", "input"),
    ("specifications", "estimator"): (
        "fixed_effects", "event_study", "instrumental_variable", "placebo", "matching", "double_machine_learning",
        "bacon", "mediation", "group_difference", *ROBUST_ESTIMATORS, "honest_did", "specification_curve",
        "spillovers",
    ),
}  # fmt: skip

# What stands where a cell is blank.
DEFAULTS: Mapping[tuple[str, str], str] = {
    ("policies", "kind"): "listed",
    ("policies", "role"): "study",
    ("pilot_units", "confidence"): "C",
    ("indicators", "factor"): "1",
    ("coupling_components", "factor"): "1",
    ("specifications", "lag"): "0",
    ("specifications", "sample"): "sample_full",
}

IDENTIFIERS = (
    ("study", "key"), ("policies", "policy_id"), ("variables", "variable"), ("variables", "column_name"),
    ("indicators", "indicator"), ("indicators", "dimension"), ("coupling_components", "component"),
    ("samples", "sample"), ("specifications", "specification"),
)  # fmt: skip

# The estimators that may fill a result. Other results are made from these tables.
ESTIMATORS_OF_RESULTS: Mapping[str, tuple[str, ...]] = {
    "baseline_effects": ("fixed_effects",),
    "robustness_effects": ("fixed_effects", "matching", "double_machine_learning"),
    "synergy_effects": ("fixed_effects",),
    "order_effects": ("fixed_effects",),
    "heterogeneous_effects": ("fixed_effects",),
    "event_study": ("event_study",),
    "parallel_trends_sensitivity": ("honest_did",),
    "instrumental_variable": ("instrumental_variable",),
    "placebo_test": ("placebo",),
    "bacon_decomposition": ("bacon",),
    "mediation_effects": ("mediation",),
    "group_differences": ("group_difference",),
    "heterogeneity_robust_effects": ROBUST_ESTIMATORS,
    "specification_curve": ("specification_curve",),
    "spatial_spillovers": ("spillovers",),
}

# Results without specifications of their own, which a table of the report may show.
DERIVED_RESULTS = ("index_weights", "summary_statistics", "multiple_hypotheses", "spatial_inference")

# Columns of fct_study_panel in every study: no variable may bear their names.
DESCRIBED_COLUMNS: Mapping[str, str] = {
    "adcode": "varchar",
    "year": "integer",
    "city_name_zh": "varchar",
    "province_code": "varchar",
    "region": "varchar",
    "in_sample": "boolean",
    "population_persons": "double",
    "population_basis": "varchar",
    "population_status": "varchar",
    "gdp_cny_10k": "double",
    "real_gdp_cny_10k": "double",
    "real_gdp_basis": "varchar",
    "capital_stock_cny_10k": "double",
    "land_area_km2": "double",
    "is_municipality": "boolean",
    "is_provincial_capital": "boolean",
    "is_central": "boolean",
    "is_resource_based": "boolean",
    "terrain_relief_proxy": "double",
    "n_indicators": "bigint",
}

# What the models compute from series, and the measures that this takes.
COMPUTED_MEASURES: Mapping[str, tuple[str, ...]] = {
    "real_gdp": ("real_gdp",),
    "real_investment": ("real_investment",),
    "agglomeration": ("gdp", "land_area"),
    "real_gdp_cny_10k": ("real_gdp",),
    "gdp_cny_10k": ("gdp",),
    "population_persons": ("population",),
    "land_area_km2": ("land_area",),
    "capital_stock_cny_10k": ("real_investment",),
    "cny_per_usd": (),
    "population_basis": ("population",),
    "population_status": ("population",),
    "real_gdp_basis": ("real_gdp",),
}


@dataclass(frozen=True)
class StudyFile:
    """A file of a study: ``columns``: name -> type, in their order."""

    name: str
    columns: Mapping[str, str]

    @property
    def required_cells(self) -> tuple[str, ...]:
        """Columns whose cells may not be blank."""
        return REQUIRED_CELLS.get(self.name, ())

    @property
    def is_required(self) -> bool:
        """Whether a study without the file is none."""
        return self.name in REQUIRED_FILES


def study_files(project: Path) -> dict[str, StudyFile]:
    """The files that a study folder may hold, by name without ``.csv``."""
    files = {}
    for name in PROPERTY_FILES:
        content = yaml.safe_load((project / "models" / "staging" / name).read_text(encoding="utf-8"))
        for seed in content["seeds"]:
            columns = {str(column["name"]): str(column["data_type"]) for column in seed["columns"]}
            files[str(seed["name"])] = StudyFile(str(seed["name"]), columns)
    return files
