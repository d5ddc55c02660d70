"""The scripts that run the published regressions again: in Python and R as a user runs them, the do-file by its syntax.

A small study has what is hard: missing values, cities with one row, collinear controls, other fixed effects and
clusters, long names, and titles that try to end a comment.
"""

import csv
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from city_policy import publish
from city_policy.estimation.estimators.event_study import estimate_event_study
from city_policy.estimation.estimators.fixed_effects import estimate_fixed_effects
from city_policy.publish.reproduce import harmless, plain
from conftest import environment, program
from stata_files import read
from stata_syntax import DoFile

RESULTS = ("baseline_effects", "event_study", "heterogeneous_effects")
LONG = "a_sample_of_all_the_cities_that_lie_in_the_first_half"
PAYLOAD = (
    '"""*/ /* `shell touch stata` $HOME `=1/0\' /// \n\r\x0b\x0c\x1c\x85\u2028import os; os.mkdir("python")\n'
    'system("touch r")\ncoding: latin-1 \' # // https://example.org'
)
CONTROLS = ["x", "twice_x", "flag", "flat"]


def small_study() -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Panel, treatment timing and specifications."""
    generator = np.random.default_rng(7)
    rows = []
    for number in range(40):
        start = (2014, 2016, 2019, np.nan)[number % 4]
        for year in range(2012, 2021):
            x = generator.normal()
            rows.append({
                "adcode": str(110000 + 100 * number), "year": year, "province_code": f"p{number // 5}",
                "x": x, "twice_x": 2 * x, "flag": generator.random() < 0.5, "flat": 3.0,
                "y": 1e6 * (number + 0.5 * x + 0.3 * (year >= start) + 0.1 * year + generator.normal(scale=0.2)),
                "pilot": int(year >= start), "pilot_first_year": start,
                "sample_full": True, LONG: bool(number < 20),
            })  # fmt: skip
    panel = pd.DataFrame(rows).astype({"flag": "object"})
    panel.loc[generator.random(len(panel)) < 0.1, "x"] = np.nan
    # Collinear, and missing in rows of its own.
    panel.loc[generator.random(len(panel)) < 0.1, "twice_x"] = np.nan
    panel.loc[generator.random(len(panel)) < 0.05, "flag"] = None
    panel.loc[generator.random(len(panel)) < 0.05, "y"] = np.nan
    # A city with one row.
    panel.loc[(panel["adcode"] == "110300") & (panel["year"] > 2012), "y"] = np.nan
    panel["sample_full"] = panel["sample_full"].astype("object")
    panel.loc[3, "sample_full"] = None
    timing = panel.drop_duplicates("adcode")[["adcode", "pilot_first_year"]].rename(
        columns={"pilot_first_year": "first_treated_year"}
    )
    timing["policy_id"] = "pilot"
    other = timing.assign(policy_id="other_policy", first_treated_year=2015.0).iloc[::3]
    specifications = [
        ("baseline", "baseline_effects", "fixed_effects", {}),
        ("by_province", "baseline_effects", "fixed_effects", {"cluster": "province_code"}),
        ("province_year", "baseline_effects", "fixed_effects", {"extra_fixed_effects": "province_code^year"}),
        (
            "three_effects",
            "baseline_effects",
            "fixed_effects",
            {"extra_fixed_effects": "province_code province_code^year"},
        ),
        ("by_year", "baseline_effects", "fixed_effects", {"cluster": "year"}),
        ("events", "event_study", "event_study", {}),
        ("first_half", "heterogeneous_effects", "fixed_effects", {"sample": LONG}),
        ("lagged", "baseline_effects", "fixed_effects", {"lag": 1}),
        ("earlier", "baseline_effects", "fixed_effects", {"variant": "anticipation:1"}),
        ("exposed", "heterogeneous_effects", "fixed_effects", {"variant": "exposure"}),
        ("with_other", "baseline_effects", "fixed_effects", {"extra_controls": "other_policy"}),
        ("nobody", "heterogeneous_effects", "fixed_effects", {"sample": "sample_none"}),
        ("matched", "baseline_effects", "matching", {}),
    ]
    base = {
        "paper_table": None, "panel": None, "column_no": None, "outcome": "y", "treatment": "pilot", "lag": 0, "sample": "sample_full",
        "comparison_sample": None, "extra_controls": None, "extra_fixed_effects": None, "mediator": None, "variant": None, "cluster": "adcode",
    }  # fmt: skip
    panel["sample_none"] = False
    asked = pd.DataFrame(
        [
            base | {"spec_id": name, "specification": name, "result": result, "estimator": estimator} | cells
            for name, result, estimator, cells in specifications
        ]
    ).astype({"column_no": "Int64"})
    return panel, pd.concat([timing, other]), asked


LEFT_OUT = {
    "lagged": "its treatment is lagged by 1",
    "earlier": "its policy enters by the variant anticipation:1",
    "exposed": "its policy enters by the variant exposure",
    "with_other": "other_policy is no column of the panel",
    "nobody": "no estimate was published; its table says why",
    "matched": "its estimator is matching",
}


def build_of(data: Path, title: str, omit: Sequence[str] = (), controls: Sequence[str] = CONTROLS) -> Path:
    """The publication of the small study, called ``title``, without the results ``omit``."""
    panel, timing, asked = small_study()
    asked = asked[~asked["result"].isin(omit)]
    words = {"study_id": "small", "title_zh": title, "title_en": title, "citation": title}
    frames = {
        "panel": panel,
        "asked": asked,
        "effects": estimate_fixed_effects(panel, timing, asked[asked["estimator"] == "fixed_effects"], controls),
        "events": estimate_event_study(panel, timing, asked[asked["estimator"] == "event_study"], controls, (), -3, 3)[
            0
        ],
        "coverage": pd.DataFrame({"column_name": list(controls)}, dtype="str"),
        "study": pd.DataFrame([words | {"data_source": "panel of the study"}]),
    }
    data.mkdir(exist_ok=True)
    (data / "build.duckdb").unlink(missing_ok=True)
    with duckdb.connect(str(data / "build.duckdb")) as connection:
        for name, frame in frames.items():
            connection.register(name, frame)
        for schema in ("marts", "results", "intermediate", "estimates", "staging"):
            connection.execute(f"create schema {schema}")
        connection.execute(
            "create table intermediate.int_specifications as from asked;"
            "create table intermediate.int_variable_coverage as "
            "select row_number() over () as position, column_name, 'control' as role, true as is_covered from coverage;"
            "create table marts.fct_study_panel as select * replace (sample_full::boolean as sample_full, "
            "flag::boolean as flag, pilot_first_year::integer as pilot_first_year) from panel;"
            "create table marts.dim_study as from study;"
            "create table staging.stg_policies as select 1 as position, 'pilot' as policy_id, title_zh as name_zh from study;"
            "create table estimates.est_event_study as from events;"
            "create table results.event_study as select * exclude (dropped_terms, term) from events;"
            "create table results.baseline_effects as from effects where result = 'baseline_effects';"
            "create table results.heterogeneous_effects as from effects where result = 'heterogeneous_effects'"
        )
    publish.publish_files(data, {})
    return data / "published"


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """The publication of the small study with a hostile title."""
    return build_of(tmp_path_factory.mktemp("small") / "data of ours", PAYLOAD)


def run_script(folder: Path, *command: str) -> subprocess.CompletedProcess:
    """Run a script from another directory, which must stay empty."""
    elsewhere = folder.parents[1] / "elsewhere"
    elsewhere.mkdir(exist_ok=True)
    result = subprocess.run(
        command, cwd=elsewhere, capture_output=True, text=True, env=environment(elsewhere) | {"LC_ALL": "C"}
    )
    assert list(elsewhere.iterdir()) == []
    return result


def run_python(folder: Path) -> subprocess.CompletedProcess:
    return run_script(folder, sys.executable, "-W", "error::SyntaxWarning", str(folder / "reproduce.py"))


def run_r(folder: Path) -> subprocess.CompletedProcess:
    return run_script(folder, program("Rscript", "r-base-core"), str(folder / "reproduce.R"))


RUN = {"reproduce.py": run_python, "reproduce.R": run_r}


def published_rows(folder: Path) -> list[dict[str, str]]:
    with open(folder / "published_estimates.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


def assert_reproduced(result: subprocess.CompletedProcess, folder: Path) -> None:
    """The script ends well, has a line for every regression, and its largest relative difference is rounding."""
    assert result.returncode == 0, result.stdout + result.stderr
    regressions = list(dict.fromkeys(row["spec_id"] for row in published_rows(folder)))
    lines = [line for line in result.stdout.splitlines() if not line.startswith("Run by")]
    assert [line.split(":")[0] for line in lines] == [*regressions, f"{len(regressions)} regressions"]
    assert float(lines[-1].rsplit(" ", 1)[1]) < 1e-8


def do_file(publication: Path) -> DoFile:
    folder = publication / "reproduce"
    panel, _ = read(publication / "marts" / "fct_study_panel.dta")
    return DoFile(folder / "reproduce.do", set(panel.columns), set(published_rows(folder)[0]))


# ------------------------------------------------------------------------------------------- published builds


@pytest.fixture(scope="module", params=["demo_build", "low_carbon_build"])
def publication(request) -> Path:
    """The publication of a study of the project."""
    data = request.getfixturevalue(request.param)
    return data / "published" if request.param == "demo_build" else data / "studies" / "low_carbon" / "published"


@pytest.mark.parametrize("script", RUN)
def test_a_published_build_is_reproduced(publication, script):
    folder = publication.resolve() / "reproduce"
    command = [sys.executable] if script == "reproduce.py" else [program("Rscript", "r-base-core")]
    result = subprocess.run([*command, str(folder / script)], capture_output=True, text=True, cwd=folder)
    assert_reproduced(result, folder)


def test_the_scripts_of_a_build_have_every_published_coefficient(publication):
    rows = {(row["spec_id"], row["term"]): row for row in published_rows(publication / "reproduce")}
    with duckdb.connect() as connection:
        expected = connection.execute(
            f"""
            select spec_id, term, estimate, std_error, n_obs from '{publication}/results/baseline_effects.parquet'
            where vcov = 'CRV1' and term != '(Intercept)'
            union all by name
            select spec_id, term, estimate, std_error, n_obs from '{publication}/results/heterogeneous_effects.parquet'
            where vcov = 'CRV1' and term != '(Intercept)'
            union all by name
            select spec_id, 'event_time_' || event_time as term, estimate, std_error, n_obs
            from '{publication}/results/event_study.parquet' where vcov = 'CRV1' and event_time != -1
            """
        ).fetchall()
    assert len(expected) > 30
    assert {(spec_id, term) for spec_id, term, *_ in expected} == set(rows)
    for spec_id, term, estimate, std_error, n_obs in expected:
        row = rows[spec_id, term]
        found = (float(row["published_estimate"]), float(row["published_std_error"]), int(row["published_n_obs"]))
        assert found == (estimate, std_error, n_obs)


def test_the_do_file_of_a_build_is_what_stata_understands(publication):
    checked = do_file(publication)
    rows = published_rows(publication / "reproduce")
    assert sorted(checked.posted) == sorted((row["spec_id"], row["term"]) for row in rows)
    assert len(checked.regressions) == len({row["spec_id"] for row in rows})


@pytest.mark.parametrize("script", ["reproduce.do", "reproduce.R", "reproduce.py"])
def test_the_head_says_what_a_reader_must_know(demo_build, script):
    text = (demo_build / "published" / "reproduce" / script).read_text(encoding="utf-8")
    for words in (
        "Pilot policies and new quality productive forces", "试点政策与新质生产力", "(Zhang and Ma)",
        "simulated demo yearbook; they are no evidence about China", "数据来自模拟的示例年鉴", "To run it:", "It needs",
        "No regression of these tables is left out.",
    ):  # fmt: skip
        assert words in text
    if script == "reproduce.py":
        import pyfixest

        assert f"pyfixest {'.'.join(pyfixest.__version__.split('.')[:2])} " in text


# ------------------------------------------------------------------------------------------- what is hard


@pytest.mark.parametrize("script", RUN)
def test_a_study_that_is_hard_is_reproduced(small, script):
    folder = small / "reproduce"
    assert_reproduced(RUN[script](folder), folder)


def test_the_do_file_of_a_hard_study_asks_the_same(small):
    checked = do_file(small)
    asked = dict(zip(dict.fromkeys(spec_id for spec_id, _ in checked.posted), checked.regressions, strict=True))
    assert list(asked) == [
        "baseline",
        "by_province",
        "by_year",
        "province_year",
        "three_effects",
        "events",
        "first_half",
    ]
    groups = {
        line.split()[2]: line[line.index("group(") + 6 : -1]
        for line in (small / "reproduce" / "reproduce.do").read_text(encoding="utf-8").splitlines()
        if line.startswith("egen")
    }
    effects = {name: [groups[part] for part in one["absorb"].split()] for name, one in asked.items()}
    # Years beside province-years, and provinces beside cities, add nothing and must not be counted.
    assert effects["baseline"] == ["adcode", "year"]
    assert effects["province_year"] == effects["three_effects"] == ["adcode", "province_code year"]
    assert groups[asked["by_province"]["vce"].split()[1]] == "province_code"
    # Collinear controls are no terms, but their missing values choose the rows.
    assert asked["baseline"]["terms"] == "y pilot x flag"
    assert asked["baseline"]["if"] == "sample_full == 1 & !missing(twice_x) & !missing(flat)"
    # A name that is too long for Stata.
    assert asked["first_half"]["if"].startswith(f"{LONG[:26]}_")
    assert asked["events"]["terms"] == "y event_m3 event_m2 event_p0 event_p1 event_p2 event_p3 x flag"


@pytest.mark.parametrize("script", ["reproduce.do", "reproduce.R", "reproduce.py"])
def test_what_a_script_cannot_run_is_listed_with_its_reason(small, script):
    text = (small / "reproduce" / script).read_text(encoding="utf-8")
    mark = "*" if script == "reproduce.do" else "#"
    for spec_id, reason in LEFT_OUT.items():
        assert f"\n{mark}   {spec_id}: {reason}\n" in text
        assert f'"{spec_id}"' not in text


@pytest.mark.parametrize("script", ["reproduce.do", "reproduce.R", "reproduce.py"])
def test_no_text_of_a_study_leaves_its_comment(small, tmp_path, script):
    """The same lines as with a tame title, but for the comments that hold it."""
    tame = build_of(tmp_path / "data", "A study")
    mark = "*" if script == "reproduce.do" else "#"
    texts = [(folder / "reproduce" / script).read_text(encoding="utf-8") for folder in (small, tame)]
    hostile, plain_lines = (text.split("\n") for text in texts)
    differing = [one for one, other in zip(hostile, plain_lines, strict=True) if one != other]
    assert len(differing) == 3 and all(line.startswith(f"{mark} ") for line in differing)
    assert texts[0].splitlines() == hostile[:-1], "a sign that some programs take for a new line"
    # Python takes an encoding from its first two lines.
    assert "coding" not in "".join(hostile[:2])


def test_texts_are_made_harmless():
    assert plain(" a\n\tb\x00c\u2028d ") == "a b c d"
    assert (
        harmless("a */ b /* c /// d // e https://x.org `f' $g") == "a * / b / * c / / / d / / e https://x.org 'f' ＄g"
    )
    assert not set(harmless("////*// ///*/").split()) - {"/", "*"}


@pytest.mark.parametrize("script", RUN)
def test_another_number_is_found(small, tmp_path, script):
    shutil.copytree(small, tmp_path / "published")
    folder = tmp_path / "published" / "reproduce"
    rows = published_rows(folder)
    changes = {
        ("baseline", "flag"): ("published_estimate", lambda text: repr(float(text) * 1.00001)),
        ("province_year", "pilot"): ("published_std_error", lambda text: repr(float(text) * 0.99)),
        ("first_half", "x"): ("published_n_obs", lambda text: str(int(text) + 1)),
    }
    for row in rows:
        column, change = changes.get((row["spec_id"], row["term"]), ("term", str))
        row[column] = change(row[column])
    # A published number that the script does not find is no agreement either.
    rows.append(rows[-1] | {"spec_id": "by_year", "term": "unknown"})
    with open(folder / "published_estimates.csv", "w", encoding="utf-8", newline="") as handle:
        writer = csv.DictWriter(handle, list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    result = RUN[script](folder)
    assert result.returncode == 1, result.stdout + result.stderr
    (names,) = (
        line.partition("numbers: ")[2] for line in result.stderr.splitlines() if "Not reproduced within" in line
    )
    found = {line.split(":")[0] for line in result.stdout.splitlines() if line.endswith("DIFFERS")}
    assert found == set(names.removesuffix(".").split(", ")) == {"baseline", "province_year", "first_half", "by_year"}


def test_a_study_without_event_study_and_groups_has_scripts_without_them(tmp_path):
    folder = build_of(tmp_path / "data", "A study", omit=("event_study", "heterogeneous_effects")) / "reproduce"
    for script in ("reproduce.do", "reproduce.R", "reproduce.py"):
        text = (folder / script).read_text(encoding="utf-8")
        assert "# Baseline" in text or "* Baseline" in text
        assert "results.event_study" not in text and "results.heterogeneous_effects" not in text
    do_file(folder.parent)
    assert_reproduced(run_r(folder), folder)


def test_a_study_without_controls_is_reproduced(tmp_path):
    publication = build_of(tmp_path / "data", "A study", controls=())
    do_file(publication)
    for run_it in RUN.values():
        assert_reproduced(run_it(publication / "reproduce"), publication / "reproduce")


# What the script asks of fixest, answered with dummies by lm: the package itself is not at hand here.
FIXEST = """
feols <- function(fml, data, cluster, fixef.tol, fixef.iter, notes) {
  stopifnot(fixef.tol > 10000 * .Machine$double.eps, fixef.iter >= 1, deparse1(cluster) == "~cluster", !notes)
  parts <- strsplit(deparse1(fml), " | ", fixed = TRUE)[[1]]
  effects <- strsplit(parts[2], " + ", fixed = TRUE)[[1]]
  fit <- lm(as.formula(paste(parts[1], "+", paste0("factor(", effects, ")", collapse = " + "))), data)
  kept <- !is.na(coef(fit))
  x <- model.matrix(fit)[, kept]
  scores <- rowsum(x * resid(fit), data$cluster)
  nested <- sapply(data[effects], function(e) all(tapply(data$cluster, e, function(g) length(unique(g)) == 1)))
  terms <- grep("^x[0-9]+$", colnames(x), value = TRUE)
  k <- length(terms) + 1 + sum(sapply(data[effects], function(e) length(unique(e)) - 1)[!nested])
  g <- nrow(scores)
  bread <- chol2inv(qr.R(qr(x)))
  covariance <- g / (g - 1) * (nrow(x) - 1) / (nrow(x) - k) * bread %*% crossprod(scores) %*% bread
  structure(list(coefficients = coef(fit)[terms], se = setNames(sqrt(diag(covariance)), colnames(x))[terms]))
}
se <- function(object) object$se
"""


def test_r_asks_fixest_where_it_is_installed(small, tmp_path):
    package, library = tmp_path / "fixest", tmp_path / "library"
    (package / "R").mkdir(parents=True)
    library.mkdir()
    fields = {"Package": "fixest", "Version": "0.0.1", "Title": "A stand-in", "Description": "For a test.", "License": "MIT", "Author": "A", "Maintainer": "A <a@example.org>"}  # fmt: skip
    (package / "DESCRIPTION").write_text("".join(f"{name}: {words}\n" for name, words in fields.items()))
    (package / "NAMESPACE").write_text("export(feols, se)\nimportFrom(stats, coef)\n")
    (package / "R" / "feols.R").write_text(FIXEST)
    install = [
        program("R", "r-base-core"),
        "CMD",
        "INSTALL",
        "--no-docs",
        "--no-test-load",
        "-l",
        str(library),
        str(package),
    ]
    subprocess.run(install, check=True, capture_output=True)
    folder = small / "reproduce"
    result = subprocess.run(
        ["Rscript", str(folder / "reproduce.R")],
        capture_output=True,
        text=True,
        env=environment(tmp_path) | {"R_LIBS": str(library)},
    )
    assert result.stdout.startswith("Run by fixest.\n"), result.stdout + result.stderr
    assert_reproduced(result, folder)


def test_a_study_without_any_of_them_has_no_scripts(tmp_path):
    folder = build_of(tmp_path / "data", "A study", omit=RESULTS)
    assert not (folder / "reproduce").exists() and (folder / "marts" / "fct_study_panel.dta").is_file()
