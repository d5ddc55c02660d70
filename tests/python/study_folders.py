"""Small right study folders, on the yearbook and on a panel, for tests that break or build them."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd

FIRST_YEAR, LAST_YEAR = 2012, 2019

YEARBOOK_STUDY = {
    "study": """\
key,value,note
id,small,
title_zh,小研究,
title_en,A small study,
study_first_year,2011,
study_last_year,2021,
index_floor,0,
""",
    "policies": """\
policy_id,name_zh,name_en,kind,components,role,list_id,panel_column
broadband,宽带中国,Broadband China,listed,,study,miit_ndrc,
pilot,试点,pilot,listed,,study,,
twin,双试点,both pilots,derived,broadband pilot,study,,
""",
    "pilot_units": """\
policy_id,unit,adcode,start_year
pilot,杭州市,330100,2014
pilot,宁波市,,2016
pilot,广东省,,2015
""",
    "variables": """\
variable,column_name,role,name_zh,name_en,unit,expression,required_measures
ln_gdp,,outcome,产出,output,log,ln(gdp),gdp
ln_population,,control,人口,population,log,ln(population),
tertiary,,control,第三产业,services,share,tertiary_share / 100,
density,,mediator,密度,density,log,ln(population / land_area),
relief,,instrument,起伏度,relief,km,terrain_relief_proxy,
is_large,,group,大城市,large city,,population_persons > {large_city_population},
""",
    "samples": """\
sample,condition,name_zh,name_en
sample_east,region = 'east',东部,east
sample_large,is_large,大城市,large cities
sample_small,not is_large,小城市,small cities
""",
    "specifications": """\
specification,result,estimator,outcome,treatment,lag,sample,comparison_sample,extra_controls,extra_fixed_effects,mediator,variant,cluster
baseline,baseline_effects,fixed_effects,ln_gdp,each,0,sample_full,,,,,,
events,event_study,event_study,ln_gdp,each,0,sample_full,,,,,,
instrument,instrumental_variable,instrumental_variable,ln_gdp,pilot,0,sample_full,,,,,relief:year,
matched,robustness_effects,matching,ln_gdp,pilot,0,sample_full,,,,,matched,
provinces,robustness_effects,fixed_effects,ln_gdp,pilot,1,sample_east,,broadband,province_code^year,,,province_code
channel,mediation_effects,mediation,ln_gdp,pilot,0,sample_full,,,,density,,
difference,group_differences,group_difference,ln_gdp,pilot,0,sample_large,sample_small,,,,,
""",
    "indicators": """\
indicator,name_zh,name_en,dimension,dimension_zh,dimension_en,direction,computed_by,numerator,denominator
students,学生,students,people,人,people,1,ratio,higher_education_students,population
education,教育,education,people,人,people,1,ratio,education_expenditure,fiscal_expenditure
gas,废气,waste gas,things,物,things,-1,ratio,waste_gas,real_gdp
linked,耦合,coupling,things,物,things,1,coupling,,
""",
    "coupling_components": """\
subsystem,component,numerator,denominator
digital,internet,internet_subscribers,population
real,product,real_gdp,population
""",
    "tables": """\
table_no,result,title_zh,title_en
1,baseline_effects,基准回归,Baseline
""",
    "labels": """\
kind,key,label_zh,label_en
panel,first,第一,First
""",
    "expectations": """\
expectation_id,severity,table_name,column_name,expectation,arguments
output,warning,fct_study_panel,ln_gdp,ExpectColumnValuesToNotBeNull,"{""mostly"": 0.5}"
""",
}

PANEL_STUDY = {
    "study": """\
key,value
id,small_panel
title_zh,小面板
title_en,A small panel
placebo_draws,20
bootstrap_draws,20
permutation_draws,20
wild_draws,99
""",
    "policies": """\
policy_id,name_zh,name_en,kind,components,role,list_id,panel_column
did_policy,试点,pilot,column,,study,,did
listed_policy,名单,listed,listed,,study,,
""",
    "pilot_units": """\
policy_id,unit,adcode,start_year
listed_policy,杭州市,,2015
listed_policy,湖南省,,2016
""",
    "variables": """\
variable,role,expression
y,outcome,
x,control,x
log_x,measure,ln(1 + abs(x))
z,instrument,
grp,group,kind
""",
    "samples": """\
sample,condition
sample_a,grp = 'a'
sample_b,grp = 'b'
""",
    "specifications": """\
specification,result,estimator,outcome,treatment,sample,variant
baseline,baseline_effects,fixed_effects,y,each,sample_full,
events,event_study,event_study,y,did_policy,sample_full,
instrument,instrumental_variable,instrumental_variable,y,did_policy,sample_full,z
""",
}


def small_panel(project: Path, n_cities: int = 30) -> pd.DataFrame:
    """A panel of real cities, 2012 to 2019: names, an outcome, a control, an instrument, two groups and a treatment
    that a third of the cities takes up.
    """
    with open(project / "seeds" / "geography" / "cities.csv", encoding="utf-8", newline="") as handle:
        names = [row["name_zh"] for row in csv.DictReader(handle) if row["is_prefecture_city_or_above"] == "1"]
    # Every ninth name: cities of many provinces; 杭州市 has a policy in the study.
    chosen = ["杭州市", *(name for name in names[::9] if name != "杭州市")][:n_cities]
    generator = np.random.default_rng(1)
    rows = []
    for number, name in enumerate(chosen):
        start = (2014, 2016, 9999)[number % 3]
        level = generator.normal()
        for year in range(FIRST_YEAR, LAST_YEAR + 1):
            x, z = generator.normal(), generator.normal()
            did = int(year >= start)
            rows.append({
                "city": name, "year": year, "x": round(x, 6), "z": round(z, 6), "kind": "ab"[number % 2], "did": did,
                "y": round(level + 0.5 * x + 0.3 * did + 0.1 * (year - FIRST_YEAR) + generator.normal(scale=0.2), 6),
            })  # fmt: skip
    return pd.DataFrame(rows)


def write_folder(folder: Path, files: Mapping[str, str | bytes]) -> Path:
    """Write ``files`` (name without ``.csv``, or whole name -> content) to a new folder."""
    folder.mkdir(parents=True)
    for name, content in files.items():
        path = folder / (name if "." in name else f"{name}.csv")
        path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return folder


def write_rows(rows: list[dict[str, str]]) -> str:
    """Rows as CSV."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def snapshot(folder: Path) -> dict[str, bytes]:
    """Every file below a folder with its bytes, and every folder."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else b"" for path in folder.rglob("*")}
