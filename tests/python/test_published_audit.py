"""The audit of the published numbers against the same rules in Python, written anew from the CSV files."""

import csv
import itertools
import math

import duckdb
import pytest
from conftest import run

EDGE = 1e-9
TREATMENTS = ("bcs", "iic", "dual")


@pytest.fixture(scope="module")
def audit(project, tmp_path_factory):
    """Check id -> row of a build that holds the audit and its seeds only."""
    data = tmp_path_factory.mktemp("audit")
    command = ["dbt", "build", "--exclude-resource-type", "test", "unit_test", "--select"]
    result = run([*command, "path:seeds/studies/nqp", "+published_consistency_audit"], project, data)
    assert result.returncode == 0, result.stdout[-3000:]
    with duckdb.connect(str(data / "build.duckdb"), read_only=True) as connection:
        cursor = connection.execute("select * from replication.published_consistency_audit")
        names = [column[0] for column in cursor.description]
        return {row[0]: dict(zip(names, row, strict=True)) for row in cursor.fetchall()}


def read(project, name):
    with open(project / "seeds" / "studies" / "nqp" / f"published_{name}.csv", encoding="utf-8", newline="") as handle:
        return list(csv.DictReader(handle))


@pytest.fixture(scope="module")
def coefficients(project):
    return read(project, "estimates")


@pytest.fixture(scope="module")
def counts(project):
    return {row["count"]: int(row["value"]) for row in read(project, "sample_counts")}


def interval(text):
    half = 0.5 * 10.0 ** -len(text.partition(".")[2])
    return float(text) - half, float(text) + half


def absolute(text):
    low, high = sorted(abs(end) for end in interval(text))
    return low, high


def overlap(one, two):
    return one[0] <= two[1] + EDGE and two[0] <= one[1] + EDGE


def verdicts(audit, rule):
    return {check_id: row["verdict"] for check_id, row in audit.items() if row["rule"] == rule}


def key(rule, row, subject, columns=None):
    return ":".join([rule, row["table_no"], row["panel"], columns or row["column_no"], subject])


def flagged(audit, rule):
    """Table, panel, columns of the checks of a rule that are not consistent."""
    return {
        (row["table_no"], (row["panel"] or "")[:1], row["column_no"])
        for row in audit.values()
        if row["rule"] == rule and row["verdict"] != "consistent"
    }


def test_the_three_known_slips_are_found_by_name(audit):
    repeated = audit["repeated_panel:5:B_lagged_treatment:1+2+3:all_policies"]
    assert repeated["verdict"] == "inconsistent" and repeated["is_slip"]
    assert "3 of its 3 regressions" in repeated["sentence"] and "2,750" in repeated["sentence"]

    sobel = audit["sobel_bound:8:A_agglomeration:1+5:agglomeration/bcs"]
    assert sobel["verdict"] == "inconsistent" and sobel["is_slip"]
    assert "2.41" in sobel["sentence"] and "2.764" in sobel["sentence"]

    swapped = audit["se_across_groups:10:B_centrality:3+4:iic"]
    assert swapped["verdict"] == "suspicious" and swapped["is_slip"]
    # 0.0045 / 11.19 and 0.0079 / 1.46.
    assert "t values look swapped; swapping them gives 0.0004 and 0.0054" in swapped["sentence"]


def test_nothing_else_is_flagged(audit):
    """Every finding was looked at by hand; a new one is either a change of the seeds or a false alarm."""
    assert flagged(audit, "repeated_panel") == {("5", "B", "1, 2, 3")}
    assert flagged(audit, "se_across_groups") == {
        ("10", "B", "3, 4"),
        *(("10", "D", columns) for columns in ("1, 2", "3, 4", "5, 6")),
        ("10", "E", "3, 4"),
    }
    assert flagged(audit, "r2_without_policy") == {
        ("5", "B", "3"),
        ("10", "A", "5"),
        *(("10", "B", column) for column in "1346"),
        ("10", "C", "6"),
        *(("10", "D", column) for column in "123456"),
        *(("10", "E", column) for column in "34"),
    }
    assert flagged(audit, "group_difference") == {
        *(("10", panel, columns) for panel in "BD" for columns in ("1, 2", "3, 4", "5, 6")),
        *(("10", "E", columns) for columns in ("3, 4", "5, 6")),
    }
    sobel = {("8", panel, columns) for panel in "AB" for columns in ("1, 5", "2, 6", "3, 7")}
    assert flagged(audit, "sobel_formula") == sobel
    assert flagged(audit, "sobel_bound") == sobel - {("8", "B", "2, 6"), ("8", "B", "3, 7")}
    for rule, panel in (("matched_sample_size", "A"), ("r2_gain_by_chance", "D")):
        assert flagged(audit, rule) == {("5", panel, column) for column in "123"}
    assert flagged(audit, "first_stage_f") == {("4", "f", column) for column in "135"}
    assert flagged(audit, "shared_instrument") == {("4", "", "1, 2, 3, 4, 5, 6")}
    assert flagged(audit, "padded_decimals") == {("6", "", None)}
    explained = {
        "repeated_panel",
        "se_across_groups",
        "r2_without_policy",
        "group_difference",
        "sobel_formula",
        "sobel_bound",
        "matched_sample_size",
        "r2_gain_by_chance",
        "first_stage_f",
        "shared_instrument",
        "padded_decimals",
    }
    assert {row["rule"] for row in audit.values() if row["verdict"] != "consistent"} == explained


def test_rules_and_tables_come_in_order(audit):
    """From single numbers to whole tables; within a rule by table, as a number."""
    rules = list(dict.fromkeys(row["rule"] for row in audit.values()))
    assert " ".join(rules) == (
        "stars_against_t sign_against_t count_identity group_sizes sample_size whole_cities matched_sample_size "
        "dummy_mean dummy_std_dev mean_between_extremes std_dev_bounds index_weights bacon_weights bacon_total "
        "padded_decimals sobel_bound sobel_formula total_effect mediator_t_values repeated_panel r2_monotonicity "
        "r2_gain_by_chance r2_gain_against_t r2_without_policy se_across_groups group_difference "
        "constant_through_means shared_instrument first_stage_f"
    )
    places = [(rules.index(row["rule"]), int(row["table_no"] or 99)) for row in audit.values()]
    assert places == sorted(places)


def test_every_row_says_what_it_means(audit):
    for check_id, row in audit.items():
        assert row["sentence"].endswith(".") and "{" not in row["sentence"], check_id
        assert row["is_slip"] <= (row["verdict"] in ("inconsistent", "suspicious")), check_id
        if row["verdict"] == "inconsistent":
            assert row["is_slip"], check_id


def test_stars_of_every_coefficient(audit, coefficients):
    expected = {}
    for row in coefficients:
        low, high = absolute(row["t_stat"])
        possible = {sum(t >= value for value in (1.645, 1.960, 2.576)) for t in (low, high + EDGE)}
        fits = min(possible) <= len(row["stars"]) <= max(possible)
        expected[key("stars_against_t", row, f"{row['treatment']}/{row['term']}")] = (
            "consistent" if fits else "inconsistent"
        )
    assert verdicts(audit, "stars_against_t") == expected


def test_means_of_dummies_are_whole_numbers_of_ones(audit, project, counts):
    for row in read(project, "summary_statistics"):
        n = int(row["n_obs"])
        if row["role"] != "treatment":
            continue
        ones = [k for k in range(n + 1) if f"{k / n:.4f}" == row["mean"]]
        found = audit[f"dummy_mean:2:::{row['variable']}"]
        assert ones == [counts[f"{row['variable']}_city_years"]]
        assert (found["implied"], found["verdict"]) == (f"{ones[0]} ones", "consistent")
        share = ones[0] / n
        deviation = math.sqrt(share * (1 - share) * n / (n - 1))
        assert f"{deviation:.4f}" == row["std_dev"]
        assert audit[f"dummy_std_dev:2:::{row['variable']}"]["implied"] == f"{deviation:.5f}"


def table_8(coefficients, treatment, mediator):
    """The three coefficients a, b and the direct effect."""
    rows = [row for row in coefficients if row["table_no"] == "8" and row["treatment"] == treatment]
    (a,) = (row for row in rows if row["outcome"] == mediator)
    (b,) = (row for row in rows if row["term"] == mediator)
    (direct,) = (
        row for row in rows if (row["panel"], row["column_no"], row["term"]) == (b["panel"], b["column_no"], treatment)
    )
    return a, b, direct


def test_sobel_z(audit, project, coefficients):
    for row in read(project, "sobel_tests"):
        a, b, direct = table_8(coefficients, row["treatment"], row["mediator"])
        t_a, t_b, z = absolute(a["t_stat"]), absolute(b["t_stat"]), absolute(row["sobel_z"])
        formula = tuple(x * y / math.hypot(x, y) for x, y in zip(t_a, t_b, strict=True))
        columns = f"{a['column_no']}+{b['column_no']}"
        subject = f"{row['mediator']}/{row['treatment']}"
        bound = audit[key("sobel_bound", a, subject, columns)]
        assert (bound["verdict"] == "consistent") == (z[0] <= min(t_a[1], t_b[1]) + EDGE)
        exact = audit[key("sobel_formula", a, subject, columns)]
        assert (exact["verdict"] == "consistent") == overlap(formula, z)
        assert exact["implied"] == f"{formula[0]:.3f} to {formula[1]:.3f}"
        # total = direct + a b
        (total,) = (r for r in coefficients if r["table_no"] == "3" and r["term"] == row["treatment"] == r["treatment"])
        products = [x * y for x, y in itertools.product(interval(a["estimate"]), interval(b["estimate"]))]
        low, high = interval(direct["estimate"])
        implied = (low + min(products), high + max(products))
        found = audit[key("total_effect", a, subject, columns)]
        assert (found["verdict"] == "consistent") == overlap(implied, interval(total["estimate"]))
        assert found["implied"] == f"{implied[0]:.5f} to {implied[1]:.5f}"


def test_bacon_sums_at_three_decimals(audit, project):
    rows = read(project, "bacon_decomposition")
    assert all(text.endswith("0") for row in rows for text in (row["weight"], row["estimate"]) if text)
    for treatment in TREATMENTS:
        parts = [row for row in rows if row["treatment"] == treatment and row["weight"]]
        (total,) = (row for row in rows if row["treatment"] == treatment and not row["weight"])
        weights = sum(float(row["weight"]) for row in parts)
        assert (abs(weights - 1) <= 3 * 0.0005) == (audit[f"bacon_weights:6:::{treatment}"]["verdict"] == "consistent")
        ends = [
            [
                (float(row["weight"]) + x) * (float(row["estimate"]) + y)
                for x, y in itertools.product((-0.0005, 0.0005), repeat=2)
            ]
            for row in parts
        ]
        implied = (sum(map(min, ends)), sum(map(max, ends)))
        printed = (float(total["estimate"]) - 0.0005, float(total["estimate"]) + 0.0005)
        assert overlap(implied, printed) == (audit[f"bacon_total:6:::{treatment}"]["verdict"] == "consistent")


def base(row, t_text, df):
    """R² without the policy, as an interval."""
    (low, high), (t_low, t_high) = interval(row["r2"]), absolute(t_text)
    return 1 - (1 - low) * (1 + t_high**2 / df), 1 - (1 - high) * (1 + t_low**2 / df)


def table_10(coefficients):
    """(panel, sample, treatment) -> row, and the same key -> the row of the other group."""
    rows = {(row["panel"], row["sample"], row["treatment"]): row for row in coefficients if row["table_no"] == "10"}
    other = {
        one: rows[two]
        for one, two in itertools.permutations(rows, 2)
        if one[0] == two[0] and one[2] == two[2] and one[1] != two[1]
    }
    return rows, other


def test_standard_errors_across_groups(audit, coefficients):
    rows, other = table_10(coefficients)
    found = verdicts(audit, "se_across_groups")
    assert len(found) == 15
    for name, row in rows.items():
        small = other[name]
        if int(row["n_obs"]) < int(small["n_obs"]):
            continue
        low = interval(row["estimate"])[0] / interval(row["t_stat"])[1]
        high = interval(small["estimate"])[1] / interval(small["t_stat"])[0]
        columns = "+".join(sorted((row["column_no"], small["column_no"])))
        assert (found[key("se_across_groups", row, row["treatment"], columns)] == "suspicious") == (low > 2 * high)
        difference = abs(float(row["estimate"]) - float(small["estimate"]))
        errors = [float(r["estimate"]) / float(r["t_stat"]) for r in (row, small)]
        z = difference / math.hypot(*errors)
        p = float(row["note"].partition("=")[2])
        verdict = audit[key("group_difference", row, row["treatment"], columns)]["verdict"]
        assert (verdict == "suspicious") == ((p <= 0.05) != (z > 1.96))


def test_r2_without_the_policy_in_fixed_groups(audit, coefficients, counts):
    """Tables 3 and 10 A and B, where the number of cities is the number of observations over 11."""
    rows, other = table_10(coefficients)
    slopes = {row["term"] for row in coefficients if row["table_no"] == "3"} - {*TREATMENTS, "constant"}
    for panel, sample in {(name[0], name[1]) for name in rows if name[0][0] in "AB"} | {("", "full")}:
        group = {
            treatment: rows[panel, sample, treatment]
            if panel
            else next(r for r in coefficients if r["table_no"] == "3" and r["term"] == treatment)
            for treatment in TREATMENTS
        }
        n = int(group["bcs"]["n_obs"])
        assert n % counts["years_2011_2021"] == 0
        df = n - n // 11 - 10 - len(slopes) - 1
        corrected = {
            treatment: base(
                row,
                other[panel, sample, treatment]["t_stat"] if panel[:1] == "B" and treatment == "iic" else row["t_stat"],
                df,
            )
            for treatment, row in group.items()
        }
        for treatment, row in group.items():
            fits = any(
                overlap(base(row, row["t_stat"], df), corrected[another])
                for another in TREATMENTS
                if another != treatment
            )
            found = audit[key("r2_without_policy", row, f"nqp/{treatment}/{sample}")]
            assert (found["verdict"] == "consistent") == fits, found["check_id"]


def test_joint_t_values_follow_from_the_simple_ones(audit, coefficients):
    """Partial correlations from the middle of the printed t values reproduce Table 8 to a unit of the last digit."""
    df = 3025 - 275 - 10 - 5 - 1
    for treatment, mediator in itertools.product(TREATMENTS, ("agglomeration", "innovation")):
        a, b, direct = table_8(coefficients, treatment, mediator)
        (total,) = (r for r in coefficients if r["table_no"] == "3" and r["term"] == treatment == r["treatment"])
        (alone,) = (r for r in coefficients if r["treatment"] == "none" and r["term"] == mediator)
        r_total, r_first, r_alone = (
            float(r["t_stat"]) / math.hypot(float(r["t_stat"]), math.sqrt(df)) for r in (total, a, alone)
        )
        for row, one, two in ((direct, r_total, r_alone), (b, r_alone, r_total)):
            r = (one - two * r_first) / math.sqrt((1 - two**2) * (1 - r_first**2))
            t = r * math.sqrt((df - 1) / (1 - r**2))
            assert t == pytest.approx(float(row["t_stat"]), abs=0.011)
            assert audit[key("mediator_t_values", row, f"{treatment}/{row['term']}")]["verdict"] == "consistent"


def test_one_instrument_cannot_give_table_4(audit, coefficients):
    effects = {}
    for treatment in TREATMENTS:
        first, second = (
            next(r for r in coefficients if r["panel"] == panel and r["treatment"] == treatment)
            for panel in ("first_stage", "second_stage")
        )
        products = [x * y for x, y in itertools.product(interval(first["estimate"]), interval(second["estimate"]))]
        effects[treatment] = (min(products), max(products))
    assert max(low for low, _ in effects.values()) > min(high for _, high in effects.values())
    (row,) = (row for row in audit.values() if row["rule"] == "shared_instrument")
    assert row["verdict"] == "inconsistent"


def test_sizes_add_up(audit, counts):
    assert 11 * (counts["bcs_cities"] + counts["iic_cities"] - counts["dual_cities"]) == counts["pilot_city_obs"]
    for rule in ("count_identity", "group_sizes", "sample_size", "whole_cities"):
        assert set(verdicts(audit, rule).values()) == {"consistent"}
    assert len(verdicts(audit, "group_sizes")) == 5
