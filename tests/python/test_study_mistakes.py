"""Every kind of mistake in a study folder: one sentence that says where, what was found and what to do, and nothing is
written.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
import yaml
from city_policy.cli import main
from city_policy.errors import InputError
from city_policy.estimation.estimators import event_times, matching
from city_policy.study import check_study
from city_policy.study.contract import CHOICES, KEYS, PROPERTY_FILES, REQUIRED_CELLS
from city_policy.study.regressions import VARIANTS
from study_folders import PANEL_STUDY, YEARBOOK_STUDY, small_panel, snapshot, write_folder

Files = dict[str, str | bytes]
Edit = Callable[[Files], None]


@dataclass(frozen=True)
class Mistake:
    """A mistake: the edit that makes it, the place and the words that the sentence must have."""

    edit: Edit
    place: str
    words: tuple[str, ...] = field(default=())


def swap(file: str, old: str, new: str) -> Edit:
    """Replace a text that stands once in a file."""

    def edit(files: Files) -> None:
        text = files[file]
        assert isinstance(text, str) and text.count(old) == 1, (file, old)
        files[file] = text.replace(old, new)

    return edit


def add(file: str, *lines: str) -> Edit:
    """Add lines to a file."""

    def edit(files: Files) -> None:
        text = files[file]
        assert isinstance(text, str)
        files[file] = text + "".join(f"{line}\n" for line in lines)

    return edit


def put(file: str, content: str | bytes) -> Edit:
    """Give a file another content."""

    def edit(files: Files) -> None:
        files[file] = content

    return edit


def drop(file: str) -> Edit:
    """Leave a file out."""

    def edit(files: Files) -> None:
        del files[file]

    return edit


def rename(file: str, name: str) -> Edit:
    """Give a file another name."""

    def edit(files: Files) -> None:
        files[name] = files.pop(file)

    return edit


def both(*edits: Edit) -> Edit:
    """One edit after the other."""

    def edit(files: Files) -> None:
        for one in edits:
            one(files)

    return edit


def setting(key: str, value: str) -> Edit:
    """Add a key to study.csv of the yearbook study."""
    return add("study", f"{key},{value},")


def without_commas(file: str, row: int) -> Edit:
    """Cut the last cell off a row."""

    def edit(files: Files) -> None:
        lines = str(files[file]).splitlines()
        lines[row - 1] = lines[row - 1].rpartition(",")[0]
        files[file] = "\n".join(lines) + "\n"

    return edit


def variable(expression: str) -> Edit:
    """Another expression for the control ln_population of the yearbook study."""
    return swap("variables", "ln(population),\n", f"{expression},\n")


def condition(text: str) -> Edit:
    """Another condition for sample_east of the yearbook study."""
    return swap("samples", "region = 'east'", text)


def more_policies(count: int) -> Edit:
    """Policies of a list of the project beside those of the yearbook study."""
    rows = [f"more_{number},更多{number},more {number},listed,,study,most_torch," for number in range(count)]
    return add("policies", *rows)


STUDY_ROW, VARIABLE_ROW, SPECIFICATION_ROW = 8, 8, 9
BASELINE = "specifications.csv, row 2, column "

ON_A_YEARBOOK = {
    # The form of the files.
    "a missing file": Mistake(drop("policies"), "policies.csv", ("the file is missing", "write it")),
    "no variables": Mistake(drop("variables"), "variables.csv", ("the file is missing", "write it")),
    "an empty file": Mistake(put("samples", ""), "samples.csv", ("the file is empty", "delete it")),
    "only a comment": Mistake(put("labels", "# nothing yet\n"), "labels.csv", ("the file is empty",)),
    "no specification": Mistake(
        put("specifications", YEARBOOK_STUDY["specifications"].splitlines()[0] + "\n"),
        "specifications.csv",
        ("found no rows", "add them"),
    ),
    "Chinese Windows encoding": Mistake(
        put("labels", YEARBOOK_STUDY["labels"].encode("gb18030")), "labels.csv, row 2", ("not UTF-8", "save the file")
    ),
    "UTF-16": Mistake(
        put("policies", YEARBOOK_STUDY["policies"].encode("utf-16")), "policies.csv, row 1", ("not UTF-8", "save")
    ),
    "zero bytes": Mistake(put("labels", b"kind,key\n\0\0\0\n"), "labels.csv", ("zero bytes", "save it")),
    "an unknown file": Mistake(put("notes", "a,b\n1,2\n"), "notes.csv", ("found a file that no study has", "rename it or move")),
    "a misspelt file": Mistake(rename("samples", "sample.csv"), "sample.csv", ("did you mean samples.csv", "rename")),
    "a misspelt required file": Mistake(
        rename("policies", "polices.csv"), "polices.csv", ("did you mean policies.csv", "rename")
    ),
    "a file in capitals": Mistake(
        rename("variables", "Variables.CSV"), "Variables.CSV", ("did you mean variables.csv", "rename")
    ),
    "an unknown column": Mistake(
        swap("policies", "panel_column", "panel_colum"), "policies.csv, row 1",
        ("found the column 'panel_colum'", "did you mean panel_column", "correct it"),
    ),
    "a missing column": Mistake(
        put("tables", "table_no,result,title_zh\n1,baseline_effects,一\n"), "tables.csv, row 1",
        ("the column 'title_en' is missing", "add it"),
    ),
    "a repeated column": Mistake(
        swap("labels", "label_zh,label_en", "label_zh,label_zh"), "labels.csv, row 1",
        ("found the column 'label_zh' twice", "delete one"),
    ),
    "a column without a name": Mistake(
        both(swap("labels", "label_en", "label_en,"), swap("labels", "First", "First,")), "labels.csv, row 1",
        ("without a name",),
    ),
    "too few cells": Mistake(
        without_commas("samples", 3), "samples.csv, row 3", ("found 3 cells, expected 4", "double quotes")
    ),
    "too many cells": Mistake(
        swap("labels", "First", "First, and last"), "labels.csv, row 2", ("found 5 cells, expected 4", "double quotes")
    ),
    "a stray quote": Mistake(
        swap("labels", "First", '"First" place'), "labels.csv, row 2", ("quote",)
    ),
    "an open quote": Mistake(
        swap("samples", "东部,east", '"东部,east'), "samples.csv, row 2", ("quote",)
    ),
    "semicolons": Mistake(
        put("labels", YEARBOOK_STUDY["labels"].replace(",", ";")), "labels.csv, row 1", ("commas",)
    ),
    # study.csv.
    "an unknown key": Mistake(
        setting("studyfirst_year", "2011"), "study.csv, row 8, column key",
        ("found 'studyfirst_year'", "did you mean study_first_year", "correct it"),
    ),
    "a key twice": Mistake(setting("index_floor", "0.5"), "study.csv, row 8, column key", ("as in row 7", "rename")),
    "index_floor too large": Mistake(
        swap("study", "index_floor,0", "index_floor,2"), "study.csv, row 7, column value",
        ("index_floor is '2'", "from 0 to 0.99", "correct it"),
    ),
    "depreciation in per cent": Mistake(
        setting("depreciation_rate", "9.6"), "study.csv, row 8, column value", ("'9.6'", "from 0 to 0.5")
    ),
    "coverage_limit of zero": Mistake(
        setting("coverage_limit", "0"), "study.csv, row 8, column value", ("'0'", "from 0.01 to 1")
    ),
    "a word for a number": Mistake(
        setting("missing_limit", "half"), "study.csv, row 8, column value", ("'half'", "expected a number", "correct")
    ),
    "not a number": Mistake(setting("missing_limit", "nan"), "study.csv, row 8, column value", ("'nan'", "a number")),
    "a broken number of draws": Mistake(
        setting("placebo_draws", "500.5"), "study.csv, row 8, column value", ("'500.5'", "a whole number")
    ),
    "no year": Mistake(
        swap("study", "study_first_year,2011", "study_first_year,2011年"), "study.csv, row 5, column value",
        ("'2011年'", "a year of four digits"),
    ),
    "a year long ago": Mistake(
        swap("study", "study_first_year,2011", "study_first_year,1011"), "study.csv, row 5, column value",
        ("'1011'", "from 1978 to 2100"),
    ),
    "years swapped": Mistake(
        swap("study", "study_first_year,2011", "study_first_year,2022"), "study.csv, row 6, column value",
        ("study_first_year is 2022 and study_last_year is 2021", "swap them"),
    ),
    "an unknown choice": Mistake(
        setting("frame_cities", "print"), "study.csv, row 8, column value",
        ("'print'", "one of all, printed", "did you mean printed"),
    ),
    "an unknown word of a list": Mistake(
        setting("resource_city_classes", "growing olden"), "study.csv, row 8, column value", ("olden", "growing, mature")
    ),
    "an unknown population": Mistake(
        setting("population_basis", "permanent"), "study.csv, row 8, column value",
        ("'permanent'", "auto or one of", "correct"),
    ),
    "no id": Mistake(swap("study", "id,small,\n", ""), "study.csv", ("the key id has no value", "add it")),
    "a blank title": Mistake(
        swap("study", "小研究", ""), "study.csv, row 3, column value", ("the key title_zh has no value", "add it")
    ),
    "a bad id": Mistake(
        swap("study", "id,small,", "id,../small,"), "study.csv, row 2, column value", ("'../small'", "small letters")
    ),
    "a bad name of the index": Mistake(
        setting("index_name", "my index"), "study.csv, row 8, column value", ("'my index'", "small letters")
    ),
    "clusters by three columns": Mistake(
        setting("cluster", "adcode year region"), "study.csv, row 8, column value", ("one column",)
    ),
    "clusters by nothing known": Mistake(
        setting("cluster", "adcod"), "study.csv, row 8, column value", ("'adcod'", "did you mean adcode")
    ),
    "an event window without a base year": Mistake(
        setting("event_window_first", "-1"), "study.csv, row 8, column value", ("'-1'", "from -30 to -2")
    ),
    # policies.csv.
    "two policies of one id": Mistake(
        add("policies", "pilot,别名,other,listed,,study,most_torch,"), "policies.csv, row 5, column policy_id",
        ("found 'pilot' as in row 3",),
    ),
    "two policies of one name": Mistake(
        swap("policies", "twin,双试点,both pilots", "twin,双试点,pilot"), "policies.csv, row 4, column name_en",
        ("found 'pilot' as in row 3", "rename one"),
    ),
    "no policy that is studied": Mistake(
        put("policies", YEARBOOK_STUDY["policies"].replace(",study,", ",other,")), "policies.csv",
        ("found 0 policies with the role study", "expected one to 6"),
    ),
    "seven policies": Mistake(more_policies(4), "policies.csv", ("found 7 policies with the role study",)),
    "a policy made of itself": Mistake(
        swap("policies", "broadband pilot", "broadband twin"), "policies.csv, row 4, column components",
        ("twin is made of itself", "name other policies"),
    ),
    "a policy made of a derived one": Mistake(
        add("policies", "third,三,third,derived,pilot twin,study,,"), "policies.csv, row 5, column components",
        ("twin is derived itself", "name those"),
    ),
    "an unknown component": Mistake(
        swap("policies", "broadband pilot", "broadband pilots"), "policies.csv, row 4, column components",
        ("found 'pilots'", "did you mean pilot", "correct"),
    ),
    "one component": Mistake(
        swap("policies", "broadband pilot", "broadband"), "policies.csv, row 4, column components",
        ("found 'broadband'", "two or more different policies"),
    ),
    "one component twice": Mistake(
        swap("policies", "broadband pilot", "pilot pilot"), "policies.csv, row 4, column components",
        ("found 'pilot pilot'", "two or more different policies"),
    ),
    "no components": Mistake(
        swap("policies", "broadband pilot", ""), "policies.csv, row 4, column components", ("two or more",)
    ),
    "components of a listed policy": Mistake(
        swap("policies", "listed,,study,miit_ndrc", "listed,pilot,study,miit_ndrc"),
        "policies.csv, row 2, column components", ("only a derived policy has components", "clear it"),
    ),
    "an unknown list": Mistake(
        swap("policies", "miit_ndrc", "miit_nrdc"), "policies.csv, row 2, column list_id",
        ("found 'miit_nrdc'", "did you mean miit_ndrc", "correct"),
    ),
    "a list and units": Mistake(
        swap("policies", "pilot,试点,pilot,listed,,study,,", "pilot,试点,pilot,listed,,study,most_torch,"),
        "policies.csv, row 3, column list_id", ("most_torch", "pilot_units.csv", "clear the list or delete the units"),
    ),
    "nobody treated": Mistake(
        put("pilot_units", "policy_id,unit,start_year\n"), "policies.csv, row 3, column policy_id",
        ("nobody is treated by pilot", "name a list"),
    ),
    "a policy of a panel without one": Mistake(
        swap("policies", "pilot,试点,pilot,listed,,study,,", "pilot,试点,pilot,column,,study,,did"),
        "policies.csv, row 3, column kind", ("needs a panel of its own", "--panel"),
    ),
    "an unknown kind": Mistake(
        swap("policies", "pilots,derived", "pilots,derivd"), "policies.csv, row 4, column kind",
        ("found 'derivd'", "did you mean derived"),
    ),
    "an unknown role": Mistake(
        swap("policies", "derived,broadband pilot,study", "derived,broadband pilot,studied"),
        "policies.csv, row 4, column role", ("found 'studied'", "expected one of study, other"),
    ),
    "a policy with the name of a column": Mistake(
        add("policies", "region,区域,regions,listed,,other,most_torch,"), "policies.csv, row 5, column policy_id",
        ("found 'region'", "a column of every panel", "rename it"),
    ),
    # pilot_units.csv.
    "units of an unknown policy": Mistake(
        add("pilot_units", "pilto,温州市,,2014"), "pilot_units.csv, row 5, column policy_id",
        ("found 'pilto'", "did you mean pilot", "correct"),
    ),
    "units of a derived policy": Mistake(
        add("pilot_units", "twin,温州市,,2014"), "pilot_units.csv, row 5, column policy_id",
        ("'twin' is derived", "remove the row"),
    ),
    "an impossible year": Mistake(
        add("pilot_units", "pilot,温州市,,1914"), "pilot_units.csv, row 5, column start_year",
        ("found '1914'", "from 1978 to 2021", "correct"),
    ),
    "no year at all": Mistake(
        add("pilot_units", "pilot,温州市,,2014年"), "pilot_units.csv, row 5, column start_year", ("found '2014年'",)
    ),
    "a blank year": Mistake(
        add("pilot_units", "pilot,温州市,,"), "pilot_units.csv, row 5, column start_year", ("found nothing", "fill")
    ),
    "an unknown city": Mistake(
        add("pilot_units", "pilot,石家庒市,,2014"), "pilot_units.csv, row 5, column unit",
        ("found '石家庒市'", "did you mean 石家庄市", "six-digit code"),
    ),
    "an ambiguous name": Mistake(
        add("pilot_units", "pilot,临夏,,2014"), "pilot_units.csv, row 5, column unit",
        ("found '临夏'", "may be several cities", "give the six-digit code"),
    ),
    "a county-level city": Mistake(
        add("pilot_units", "pilot,昆山市,,2014"), "pilot_units.csv, row 5, column unit",
        ("found '昆山市'", "county-level", "leave the row out"),
    ),
    "a prefecture that is no city": Mistake(
        add("pilot_units", "pilot,大兴安岭地区,,2014"), "pilot_units.csv, row 5, column unit",
        ("found '大兴安岭地区'", "no prefecture-level city", "delete the row"),
    ),
    "a code against its name": Mistake(
        add("pilot_units", "pilot,温州市,330400,2014"), "pilot_units.csv, row 5, column adcode",
        ("330400 is 嘉兴市 and the unit is 温州市 (330300)", "correct"),
    ),
    "an unknown code": Mistake(
        add("pilot_units", "pilot,温州市,339900,2014"), "pilot_units.csv, row 5, column adcode", ("found '339900'",)
    ),
    # variables.csv and its expressions.
    "a variable twice": Mistake(
        add("variables", "tertiary,tertiary_two,control,,,,tertiary_share,"), "variables.csv, row 8, column variable",
        ("found 'tertiary' as in row 4", "rename"),
    ),
    "one column for two variables": Mistake(
        add("variables", "services,tertiary,control,,,,tertiary_share,"), "variables.csv, row 8, column column_name",
        ("found 'tertiary' as in row 4", "rename"),
    ),
    "a policy with an expression": Mistake(
        add("variables", "pilot,,treatment,,,,gdp > 1,"), "variables.csv, row 8, column expression",
        ("pilot is a policy", "clear the expression"),
    ),
    "a policy as a control": Mistake(
        add("variables", "pilot,,control,,,,,"), "variables.csv, row 8, column role",
        ("pilot is a policy", "expected the role treatment"),
    ),
    "a reserved name": Mistake(
        add("variables", "region,,group,,,,province_code,"), "variables.csv, row 8, column variable",
        ("found 'region'", "a column of every panel", "rename"),
    ),
    "a word of SQL": Mistake(
        add("variables", "select,,measure,,,,gdp,"), "variables.csv, row 8, column variable",
        ("found 'select'", "SQL keeps", "rename"),
    ),
    "a bad identifier": Mistake(
        add("variables", "GDP per head,,measure,,,,gdp,"), "variables.csv, row 8, column variable",
        ("found 'GDP per head'", "small letters", "rename"),
    ),
    "a name of a dimension": Mistake(
        add("variables", "index_people,,measure,,,,gdp,"), "variables.csv, row 8, column variable",
        ("found 'index_people'", "rename"),
    ),
    "an unknown role of a variable": Mistake(
        swap("variables", "relief,,instrument", "relief,,instument"), "variables.csv, row 6, column role",
        ("found 'instument'", "did you mean instrument"),
    ),
    "an unknown column in an expression": Mistake(
        variable("ln(popolation)"), "variables.csv, row 3, column expression",
        ("popolation is no column", "did you mean population", "correct the name"),
    ),
    "an unknown function": Mistake(
        variable("logg(population)"), "variables.csv, row 3, column expression",
        ("logg is no function of DuckDB", "did you mean log", "correct the name"),
    ),
    "a volatile function": Mistake(
        variable("population * random()"), "variables.csv, row 3, column expression",
        ("random may give another value in another build", "use a function that does not"),
    ),
    "a function of the clock": Mistake(
        variable("population + epoch(now())"), "variables.csv, row 3, column expression", ("now may give another value",)
    ),
    "a window without order": Mistake(
        variable("row_number() over ()"), "variables.csv, row 3, column expression", ("order by",)
    ),
    "an aggregate without a window": Mistake(
        variable("avg(population)"), "variables.csv, row 3, column expression", ("over",)
    ),
    "a query as an expression": Mistake(
        variable("(select 1)"), "variables.csv, row 3, column expression", ("without queries",)
    ),
    "two expressions": Mistake(
        swap("variables", "ln(population),\n", '"ln(population), ln(gdp)",\n'), "variables.csv, row 3, column expression",
        ("one DuckDB expression and nothing beside it",),
    ),
    "another table": Mistake(
        variable("population from city_years where true union select 1"), "variables.csv, row 3, column expression",
        ("expected one DuckDB expression",),
    ),
    "a comment": Mistake(
        variable("population -- persons"), "variables.csv, row 3, column expression", ("without comments",)
    ),
    "a block comment": Mistake(
        variable("population /* persons */"), "variables.csv, row 3, column expression", ("without comments",)
    ),
    "a semicolon": Mistake(
        variable("population;"), "variables.csv, row 3, column expression", ("semicolons",)
    ),
    "a statement": Mistake(
        variable("1) ; drop table x; --"), "variables.csv, row 3, column expression", ("semicolons",)
    ),
    "a file": Mistake(
        variable("read_text('/etc/passwd')"), "variables.csv, row 3, column expression", ("read_text",)
    ),
    "an open bracket": Mistake(
        variable("ln(population"), "variables.csv, row 3, column expression", ("expected one DuckDB expression",)
    ),
    "a text for a number": Mistake(
        variable("city_name_zh"), "variables.csv, row 3, column expression",
        ("its value is text", "expected a number for the role control"),
    ),
    "a logarithm of a text": Mistake(
        variable("ln(city_name_zh)"), "variables.csv, row 3, column expression", ("DuckDB refuses it", "correct")
    ),
    "an unknown setting": Mistake(
        variable("population > {large_city_populaton}"), "variables.csv, row 3, column expression",
        ("large_city_populaton", "did you mean large_city_population", "correct"),
    ),
    "a setting that is a word": Mistake(
        variable("population > {frame_cities}"), "variables.csv, row 3, column expression", ("{frame_cities} is no number",)
    ),
    "wrong measures": Mistake(
        swap("variables", "ln(gdp),gdp", "ln(gdp),population"), "variables.csv, row 2, column required_measures",
        ("found 'population'", "expected 'gdp'", "leave the cell blank"),
    ),
    "no outcome": Mistake(
        swap("variables", "ln_gdp,,outcome", "ln_gdp,,measure"), "variables.csv", ("no variable with the role outcome",)
    ),
    # samples.csv.
    "a sample that is no condition": Mistake(
        condition("region"), "samples.csv, row 2, column condition", ("its value is text", "true or false", "comparison")
    ),
    "a sample of numbers": Mistake(
        condition("ln_gdp + 1"), "samples.csv, row 2, column condition", ("its value is a number", "true or false")
    ),
    "a sample without a condition": Mistake(
        condition(""), "samples.csv, row 2, column condition", ("found nothing", "fill the cell")
    ),
    "a sample with the name of a column": Mistake(
        add("samples", "ln_gdp,ln_gdp > 1,,"), "samples.csv, row 5, column sample",
        ("found 'ln_gdp'", "another column", "rename"),
    ),
    "another whole sample": Mistake(
        add("samples", "sample_full,region = 'east',,"), "samples.csv, row 5, column condition",
        ("expected true", "sample_full is the whole sample", "rename"),
    ),
    "a measure in a condition": Mistake(
        condition("fdi > 1"), "samples.csv, row 2, column condition", ("is a measure of the yearbook", "role measure")
    ),
    "a sample of an unknown column": Mistake(
        condition("regoin = 'east'"), "samples.csv, row 2, column condition", ("regoin", "did you mean region")
    ),
    "a broken variable that a sample names": Mistake(
        swap("variables", "population_persons > {", "population_person > {"), "variables.csv, row 7, column expression",
        ("population_person is no column",),
    ),
    # specifications.csv.
    "an unknown result": Mistake(
        swap("specifications", "baseline,baseline_effects", "baseline,baseline_efects"), BASELINE + "result",
        ("found 'baseline_efects'", "did you mean baseline_effects", "correct"),
    ),
    "an estimator of another result": Mistake(
        swap("specifications", "baseline,baseline_effects,fixed_effects", "baseline,baseline_effects,bacon"),
        BASELINE + "estimator", ("found 'bacon' for baseline_effects", "expected fixed_effects"),
    ),
    "an unknown estimator": Mistake(
        swap("specifications", "baseline,baseline_effects,fixed_effects", "baseline,baseline_effects,fixed_effect"),
        BASELINE + "estimator", ("found 'fixed_effect'", "did you mean fixed_effects"),
    ),
    "an unknown outcome": Mistake(
        swap("specifications", "baseline_effects,fixed_effects,ln_gdp", "baseline_effects,fixed_effects,ln_gpd"),
        BASELINE + "outcome", ("found 'ln_gpd'", "did you mean ln_gdp"),
    ),
    "a group as an outcome": Mistake(
        both(add("variables", "word,,group,,,,region,"),
             swap("specifications", "baseline_effects,fixed_effects,ln_gdp", "baseline_effects,fixed_effects,word")),
        BASELINE + "outcome", ("found 'word'", "number"),
    ),
    "an unknown treatment": Mistake(
        swap("specifications", "fixed_effects,ln_gdp,each", "fixed_effects,ln_gdp,all"), BASELINE + "treatment",
        ("found 'all'", "expected each, a policy or a variable"),
    ),
    "an unknown sample": Mistake(
        swap("specifications", "fixed_effects,ln_gdp,each,0,sample_full", "fixed_effects,ln_gdp,each,0,sample_fulll"),
        BASELINE + "sample", ("found 'sample_fulll'", "did you mean sample_full"),
    ),
    "an unknown second sample": Mistake(
        swap("specifications", "sample_large,sample_small", "sample_large,sample_smal"),
        "specifications.csv, row 8, column comparison_sample", ("found 'sample_smal'", "did you mean sample_small"),
    ),
    "no second sample": Mistake(
        swap("specifications", "sample_large,sample_small", "sample_large,"),
        "specifications.csv, row 8, column comparison_sample", ("found nothing", "the second sample", "fill"),
    ),
    "one sample twice": Mistake(
        swap("specifications", "sample_large,sample_small", "sample_large,sample_large"),
        "specifications.csv, row 8, column comparison_sample", ("sample_large", "another sample"),
    ),
    "an unknown mediator": Mistake(
        swap("specifications", ",density,", ",densty,"), "specifications.csv, row 7, column mediator",
        ("found 'densty'", "did you mean density"),
    ),
    "no mediator": Mistake(
        swap("specifications", ",density,", ",,"), "specifications.csv, row 7, column mediator",
        ("found nothing", "the variable through which the effect runs"),
    ),
    "two mediators": Mistake(
        swap("specifications", ",density,", ",density relief,"), "specifications.csv, row 7, column mediator",
        ("found 'density relief'", "one variable"),
    ),
    "a mediator that is a control": Mistake(
        swap("specifications", ",density,", ",tertiary,"), "specifications.csv, row 7, column mediator",
        ("found 'tertiary'", "a control of every regression", "another role"),
    ),
    "an unknown control": Mistake(
        swap("specifications", ",,broadband,province", ",,broadbrand,province"),
        "specifications.csv, row 6, column extra_controls", ("found 'broadbrand'", "did you mean broadband"),
    ),
    "the treatment as a control": Mistake(
        swap("specifications", ",,broadband,province", ",,pilot,province"),
        "specifications.csv, row 6, column extra_controls", ("found 'pilot'", "treatment"),
    ),
    "an unknown effect": Mistake(
        swap("specifications", "province_code^year", "province^year"),
        "specifications.csv, row 6, column extra_fixed_effects", ("found 'province'", "did you mean province_code"),
    ),
    "an unknown instrument": Mistake(
        swap("specifications", "relief:year", "reliff:year"), "specifications.csv, row 4, column variant",
        ("found 'reliff'", "did you mean relief"),
    ),
    "no instrument": Mistake(
        swap("specifications", "relief:year", ""), "specifications.csv, row 4, column variant",
        ("found nothing", "the instruments"),
    ),
    "a control as an instrument": Mistake(
        swap("specifications", "relief:year", "tertiary"), "specifications.csv, row 4, column variant",
        ("found 'tertiary'", "no instrument"),
    ),
    "the treatment as its instrument": Mistake(
        swap("specifications", "relief:year", "pilot"), "specifications.csv, row 4, column variant",
        ("found 'pilot'", "instrument"),
    ),
    "the outcome on both sides": Mistake(
        swap("specifications", ",,broadband,province", ",,ln_gdp,province"), "specifications.csv, row 6, column outcome",
        ("found 'ln_gdp' on both sides",),
    ),
    "an event study of a variable": Mistake(
        swap("specifications", "event_study,ln_gdp,each", "event_study,ln_gdp,relief"),
        "specifications.csv, row 3, column treatment", ("found 'relief'", "event_study needs the year of the start"),
    ),
    "a lag back in time": Mistake(
        swap("specifications", "ln_gdp,pilot,1,", "ln_gdp,pilot,-1,"), "specifications.csv, row 6, column lag",
        ("found '-1'", "from 0 to 30"),
    ),
    "a lag of forty years": Mistake(
        swap("specifications", "ln_gdp,pilot,1,", "ln_gdp,pilot,40,"), "specifications.csv, row 6, column lag",
        ("found '40'", "from 0 to 30"),
    ),
    "a lag that is no number": Mistake(
        swap("specifications", "ln_gdp,pilot,1,", "ln_gdp,pilot,one,"), "specifications.csv, row 6, column lag",
        ("found 'one'", "a whole number"),
    ),
    "an unknown variant": Mistake(
        swap("specifications", ",matched,\n", ",all,\n"), "specifications.csv, row 5, column variant",
        ("found 'all'", "common_support, matched or matched_weighted"),
    ),
    "a sensitivity of no event study": Mistake(
        add("specifications", "honest,parallel_trends_sensitivity,honest_did,ln_gdp,each,0,sample_full,,,,,,"),
        "specifications.csv, row 9, column variant", ("found nothing", "the estimator of the event study"),
    ),
    "a sensitivity of an unknown event study": Mistake(
        add("specifications", "honest,parallel_trends_sensitivity,honest_did,ln_gdp,each,0,sample_full,,,,,stacked,"),
        "specifications.csv, row 9, column variant", ("found 'stacked'", "two_way, imputation or sun_abraham"),
    ),
    "spillovers of nobody": Mistake(
        add("specifications", "rings,spatial_spillovers,spillovers,ln_gdp,each,0,sample_full,,,,,,"),
        "specifications.csv, row 9, column variant", ("found nothing", "expected rings, or neighbours:200"),
    ),
    "spillovers too far": Mistake(
        add("specifications", "rings,spatial_spillovers,spillovers,ln_gdp,each,0,sample_full,,,,,neighbours:9000,"),
        "specifications.csv, row 9, column variant", ("found 'neighbours:9000' for spillovers", "up to 5000"),
    ),
    "an exposure that is not known": Mistake(
        add("specifications", "late,robustness_effects,fixed_effects,ln_gdp,each,0,sample_full,,,,,without_first:0,"),
        "specifications.csv, row 9, column variant", ("found 'without_first:0' for fixed_effects", "without_first:1"),
    ),
    "an exposure to no policy": Mistake(
        add("specifications", "late,robustness_effects,fixed_effects,ln_gdp,relief,0,sample_full,,,,,exposure,"),
        "specifications.csv, row 9, column variant", ("needs the year of a start", "'relief' is no policy"),
    ),
    "a dose of an unknown variable": Mistake(
        add("specifications", "dose,robustness_effects,fixed_effects,ln_gdp,each,0,sample_full,,,,,dose:reliff,"),
        "specifications.csv, row 9, column variant", ("found 'reliff'", "did you mean relief"),
    ),
    "three clusters": Mistake(
        swap("specifications", ",,,province_code\n", ",,,province_code year adcode\n"),
        "specifications.csv, row 6, column cluster", ("one column", "shorten"),
    ),
    "an unknown cluster": Mistake(
        swap("specifications", ",,,province_code\n", ",,,provinces_code\n"),
        "specifications.csv, row 6, column cluster", ("found 'provinces_code'", "did you mean province_code"),
    ),
    "a regression twice": Mistake(
        add("specifications", "baseline,baseline_effects,fixed_effects,ln_gdp,pilot,0,sample_full,,,,,,"),
        "specifications.csv, row 9, column specification", ("found 'baseline' as in row 2", "rename"),
    ),
    "regressions that meet": Mistake(
        add("specifications", "baseline_pilot,baseline_effects,fixed_effects,ln_gdp,pilot,0,sample_full,,,,,,"),
        "specifications.csv, row 9, column specification",
        ("the regression baseline_pilot is that of row 2", "rename one"),
    ),
    "a blank outcome": Mistake(
        swap("specifications", "baseline_effects,fixed_effects,ln_gdp", "baseline_effects,fixed_effects,"),
        BASELINE + "outcome", ("found nothing", "fill the cell"),
    ),
    "a blank result": Mistake(
        swap("specifications", "baseline,baseline_effects", "baseline,"), BASELINE + "result", ("found nothing",)
    ),
    # Texts that become pages.
    "HTML": Mistake(
        swap("labels", "First", "<b>First</b>"), "labels.csv, row 2, column label_en", ("without HTML", "remove")
    ),
    "a LaTeX command": Mistake(
        swap("labels", "First", r"\textbf{First}"), "labels.csv, row 2, column label_en", ("without LaTeX", "remove")
    ),
    "a formula": Mistake(
        swap("labels", "First", "=1+1"), "labels.csv, row 2, column label_en", ("formula", "begin with a letter")
    ),
    "a formula that begins with a minus": Mistake(
        swap("labels", "First", "-cmd"), "labels.csv, row 2, column label_en", ("formula", "begin with a letter")
    ),
    "a control character": Mistake(
        swap("labels", "First", "Fir\x07st"), "labels.csv, row 2, column label_en", ("control character", "remove")
    ),
    "a line break": Mistake(
        swap("labels", "First", '"Fir\nst"'), "labels.csv, row 2, column label_en", ("line break", "remove")
    ),
    "a blank word": Mistake(
        swap("labels", "First", ""), "labels.csv, row 2, column label_en", ("found nothing, expected a value", "fill")
    ),
    "a count of an unknown column": Mistake(
        put("published_sample_counts", "count,value,expression\ncities,9,count(distinct adcod)\n"),
        "published_sample_counts.csv, row 2, column expression", ("adcod is no column", "did you mean adcode"),
    ),
    "a statement for a count": Mistake(
        put("published_sample_counts", "count,value,expression\ncities,9,1) ; drop table x; --\n"),
        "published_sample_counts.csv, row 2, column expression", ("semicolons",),
    ),
    "a count that is a word": Mistake(
        put("published_sample_counts", "count,value,expression\ncities,9,max(region)\n"),
        "published_sample_counts.csv, row 2, column expression", ("found 'max(region)'", "expected a count"),
    ),
    # Tables, the index, expectations.
    "an unknown result of a table": Mistake(
        swap("tables", "baseline_effects", "baseline"), "tables.csv, row 2, column result",
        ("found 'baseline'", "did you mean baseline_effects"),
    ),
    "a table of neither": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,,,,,,\n"),
        "tables.csv, row 2, column result", ("found neither result nor specifications",),
    ),
    "a table of both": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,baseline_effects,一,One,baseline,,,,,\n"),
        "tables.csv, row 2, column result", ("beside specifications", "expected one of them"),
    ),
    "a table of an unknown specification": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,baselin,,,,,\n"),
        "tables.csv, row 2, column specifications", ("found 'baselin'", "did you mean baseline"),
    ),
    "an unknown row of a table": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,baseline,treatment,,,,\n"),
        "tables.csv, row 2, column rows", ("found 'treatment'", "did you mean treatments"),
    ),
    "an unknown statistic of a table": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,baseline,,z,,,\n"),
        "tables.csv, row 2, column statistic", ("statistic is 'z'", "one or more of t, se, p, ci"),
    ),
    "unknown errors of a table": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,baseline,,,CRV2,,\n"),
        "tables.csv, row 2, column errors", ("found 'CRV2'", "CRV1"),
    ),
    "decimals of a table": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,baseline,,,,12,\n"),
        "tables.csv, row 2, column decimals", ("decimals are '12'", "from 0 to 8"),
    ),
    "stars of a table": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,,一,One,baseline,,,,,0.01 0.05\n"),
        "tables.csv, row 2, column stars", ("from the largest to the smallest",),
    ),
    "a choice without specifications": Mistake(
        put("tables", "table_no,result,title_zh,title_en,specifications,rows,statistic,errors,decimals,stars\n1,baseline_effects,一,One,,,se,,,\n"),
        "tables.csv, row 2, column statistic", ("without specifications",),
    ),
    "a bad number of a table": Mistake(
        swap("tables", "1,baseline", "A1,baseline"), "tables.csv, row 2, column table_no", ("found 'A1'", "from 1 to 99")
    ),
    "a dimension of two names": Mistake(
        swap("indicators", "education,教育,education,people,人,people", "education,教育,education,people,人,persons"),
        "indicators.csv, row 3, column dimension", ("人 / persons", "人 / people", "expected one name"),
    ),
    "an unknown measure": Mistake(
        swap("indicators", "waste_gas,real_gdp", "waste_gass,real_gdp"), "indicators.csv, row 4, column numerator",
        ("found 'waste_gass'", "did you mean waste_gas"),
    ),
    "a ratio of one number": Mistake(
        swap("indicators", "waste_gas,real_gdp", "waste_gas,"), "indicators.csv, row 4, column denominator",
        ("found nothing",),
    ),
    "a direction in words": Mistake(
        swap("indicators", "things,-1,", "things,down,"), "indicators.csv, row 4, column direction",
        ("found 'down'", "one of 1, -1"),
    ),
    "coupling without components": Mistake(
        drop("coupling_components"), "coupling_components.csv", ("found an indicator that is computed by coupling", "add them")
    ),
    "components without coupling": Mistake(
        swap("indicators", "linked,耦合,coupling,things,物,things,1,coupling,,\n", ""), "coupling_components.csv",
        ("found components of a coupling", "delete the others"),
    ),
    "a component of an unknown measure": Mistake(
        swap("coupling_components", "internet_subscribers", "internet_users"),
        "coupling_components.csv, row 2, column numerator", ("found 'internet_users'", "correct"),
    ),
    "an expectation on an unknown table": Mistake(
        swap("expectations", "fct_study_panel", "study_panel"), "expectations.csv, row 2, column table_name",
        ("found 'study_panel'", "fct_study_panel"),
    ),
    "an expectation on an unknown column": Mistake(
        swap("expectations", "fct_study_panel,ln_gdp", "fct_study_panel,ln_gpd"),
        "expectations.csv, row 2, column column_name", ("found 'ln_gpd'", "did you mean ln_gdp"),
    ),
    "an unknown expectation": Mistake(
        swap("expectations", "ExpectColumnValuesToNotBeNull", "ExpectColumnValuesNotNull"),
        "expectations.csv, row 2, column expectation", ("found 'ExpectColumnValuesNotNull'", "did you mean"),
    ),
    "arguments that are no JSON": Mistake(
        swap("expectations", '"{""mostly"": 0.5}"', "mostly=0.5"), "expectations.csv, row 2, column arguments",
        ("found 'mostly=0.5'", "JSON"),
    ),
}  # fmt: skip


def panel_cell(old: str, new: str) -> Edit:
    """Another text in the panel beside the study."""
    return swap("panel.csv", old, new)


ON_A_PANEL = {
    "a policy without a column": Mistake(
        swap("policies", "study,,did\n", "study,,\n"), "policies.csv, row 2, column panel_column",
        ("found nothing", "a column of the panel"),
    ),
    "a policy of an unknown column": Mistake(
        swap("policies", "study,,did\n", "study,,didd\n"), "policies.csv, row 2, column panel_column",
        ("found 'didd'", "did you mean did"),
    ),
    "a column that is not 0 or 1": Mistake(
        swap("policies", "study,,did\n", "study,,x\n"), "policies.csv, row 2, column panel_column",
        ("row 2 of the panel holds", "expected 0 or 1", "role treatment"),
    ),
    "a column of words": Mistake(
        swap("policies", "study,,did\n", "study,,kind\n"), "policies.csv, row 2, column panel_column",
        ("row 2 of the panel holds a in kind", "expected 0 or 1"),
    ),
    "a column that falls back": Mistake(
        swap("panel.csv", "杭州市,2017,", "杭州市,2017,#"), "policies.csv, row 2, column panel_column",
        ("did is 1 in 杭州市 from 2014 on and 0 again in 2017 (row 7 of the panel)", "a start without an end"),
    ),
    "a column that nobody takes up": Mistake(
        swap("policies", "study,,did\n", "study,,never\n"), "policies.csv, row 2, column panel_column",
        ("never is 1 in no row", "nobody is treated"),
    ),
    "a column policy with units": Mistake(
        add("pilot_units", "did_policy,温州市,,2014"), "policies.csv, row 2, column kind",
        ("found the kind column here and units of did_policy", "delete the units"),
    ),
    "a list for a column policy": Mistake(
        swap("policies", "study,,did\n", "study,miit_ndrc,did\n"), "policies.csv, row 2, column list_id",
        ("only a listed policy has a list", "clear it"),
    ),
    "an index on a panel": Mistake(
        put("indicators", YEARBOOK_STUDY["indicators"].replace("linked,耦合,coupling,things,物,things,1,coupling,,\n", "")),
        "indicators.csv, row 2, column indicator", ("an index needs the measures of a yearbook", "delete the file"),
    ),
    "an unknown column of the panel": Mistake(
        swap("variables", "abs(x)", "abs(xx)"), "variables.csv, row 4, column expression", ("xx is no column",)
    ),
    "a series of the yearbook": Mistake(
        swap("variables", "abs(x)", "abs(fdi)"), "variables.csv, row 4, column expression", ("fdi is no column",)
    ),
    "a column of the panel as another type": Mistake(
        swap("variables", "x,control,x", "x,control,kind"), "variables.csv, row 3, column expression",
        ("its value is text", "a number for the role control"),
    ),
}  # fmt: skip


def told(error: InputError) -> list[str]:
    """The lines of the mistakes, without the line above them."""
    first, *lines = str(error).splitlines()
    count = "1 mistake" if len(lines) == 1 else f"{len(lines)} mistakes"
    assert first.startswith("The study in ") and first.endswith(f"has {count}; nothing was built.")
    assert all(line.startswith("  ") for line in lines)
    return [line[2:] for line in lines]


def assert_one_sentence(line: str, mistake: Mistake) -> None:
    place, _, sentence = line.partition(": ")
    assert place == mistake.place, line
    assert all(word in sentence for word in mistake.words), line
    assert re.search(r"[^.]\.$", line), line
    # One sentence: no stop with a capital letter behind it outside what the person wrote.
    assert not re.search(r"[a-z)]\. [A-Z]", line), line
    assert "  " not in line and "found ''" not in line, line
    assert len(line) < 600, line


@pytest.fixture(scope="session")
def panel_text(project) -> str:
    frame = small_panel(project).assign(never=0)
    return frame.to_csv(index=False)


@pytest.mark.parametrize("name", ON_A_YEARBOOK)
def test_a_mistake_in_a_study_on_the_yearbook(project, tmp_path, name):
    mistake = ON_A_YEARBOOK[name]
    files: Files = dict(YEARBOOK_STUDY)
    mistake.edit(files)
    folder = write_folder(tmp_path / "study", files)
    before = snapshot(tmp_path)
    with pytest.raises(InputError) as caught:
        check_study(folder, project)
    (line,) = told(caught.value)
    assert_one_sentence(line, mistake)
    assert snapshot(tmp_path) == before


@pytest.mark.parametrize("name", ON_A_PANEL)
def test_a_mistake_in_a_study_on_a_panel(project, tmp_path, panel_text, name):
    mistake = ON_A_PANEL[name]
    files: Files = dict(PANEL_STUDY) | {"panel.csv": panel_text}
    mistake.edit(files)
    text = str(files.pop("panel.csv"))
    # The city leaves its policy in the row that the edit has marked.
    text = re.sub(r"(?m)#(.*),1,([^,]*,[^,]*)$", r"\1,0,\2", text)
    (tmp_path / "panel.csv").write_text(text, encoding="utf-8")
    folder = write_folder(tmp_path / "study", files)
    before = snapshot(tmp_path)
    with pytest.raises(InputError) as caught:
        check_study(folder, project, tmp_path / "panel.csv")
    (line,) = told(caught.value)
    assert_one_sentence(line, mistake)
    assert snapshot(tmp_path) == before


def test_there_are_more_than_sixty_kinds():
    assert len(ON_A_YEARBOOK) + len(ON_A_PANEL) >= 60


def test_the_right_studies_are_right(project, tmp_path, panel_text):
    (tmp_path / "panel.csv").write_text(panel_text, encoding="utf-8")
    yearbook = check_study(write_folder(tmp_path / "yearbook", YEARBOOK_STUDY), project)
    assert yearbook.study_id == "small" and yearbook.panel is None
    on_panel = check_study(write_folder(tmp_path / "panel", PANEL_STUDY), project, tmp_path / "panel.csv")
    assert on_panel.panel is not None and len(on_panel.panel.frame) == 30 * 8


TEN_MISTAKES = both(
    swap("study", "index_floor,0", "index_floor,2"),
    swap("policies", "miit_ndrc", "miit"),
    add("pilot_units", "pilot,昆山市,,2014", "pilot,温州市,,1914"),
    variable("ln(popolation)"),
    swap("variables", "tertiary_share / 100", "random()"),
    condition("region"),
    swap("specifications", "baseline,baseline_effects", "baseline,baseline"),
    swap("specifications", ",density,", ",densty,"),
    swap("labels", "First", "<b>First</b>"),
)


def test_ten_mistakes_are_told_at_once(project, tmp_path):
    files: Files = dict(YEARBOOK_STUDY)
    TEN_MISTAKES(files)
    with pytest.raises(InputError) as caught:
        check_study(write_folder(tmp_path / "study", files), project)
    places = [line.partition(": ")[0] for line in told(caught.value)]
    assert places == [
        "labels.csv, row 2, column label_en",
        "pilot_units.csv, row 5, column unit",
        "pilot_units.csv, row 6, column start_year",
        "policies.csv, row 2, column list_id",
        "samples.csv, row 2, column condition",
        "specifications.csv, row 2, column result",
        "specifications.csv, row 7, column mediator",
        "study.csv, row 7, column value",
        "variables.csv, row 3, column expression",
        "variables.csv, row 4, column expression",
    ]


def test_what_dbt_tests_of_a_study_is_checked_before(project, tmp_path):
    # A cell that dbt would refuse after half a minute is told at once, or filled in.
    study = check_study(write_folder(tmp_path / "study", YEARBOOK_STUDY), project)
    for name in PROPERTY_FILES:
        for seed in yaml.safe_load((project / "models/staging" / name).read_text(encoding="utf-8"))["seeds"]:
            file = seed["name"]
            for column in seed["columns"]:
                tests = column.get("data_tests", [])
                filled = all(row[column["name"]] for row in study.tables[file])
                known = column["name"] in REQUIRED_CELLS.get(file, ()) or (bool(study.tables[file]) and filled)
                assert "not_null" not in tests or known, (file, column["name"])
                assert "unique" not in tests or column["name"] in (*KEYS[file], "column_name"), (file, column["name"])
                for test in tests:
                    if isinstance(test, dict) and "accepted_values" in test:
                        values = {str(value) for value in test["accepted_values"]["arguments"]["values"]}
                        assert set(CHOICES[file, column["name"]]) <= values, (file, column["name"])


def test_a_folder_that_is_not_there(project, tmp_path):
    with pytest.raises(InputError) as caught:
        check_study(tmp_path / "nowhere", project)
    (line,) = told(caught.value)
    assert "no such folder" in line and line.endswith(".") and not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("command", [["study", "check"], ["build", "--study"]])
def test_the_commands_tell_it_and_leave_what_was_published(project, tmp_path, monkeypatch, capsys, command):
    files: Files = dict(YEARBOOK_STUDY)
    condition("region")(files)
    folder = write_folder(tmp_path / "study", files)
    published = write_folder(tmp_path / "data" / "studies" / "small", {"city_policy.duckdb": "an earlier build"})
    before = snapshot(tmp_path)
    monkeypatch.setenv("CITY_POLICY_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(project)
    assert main([*command, str(folder)]) == 2
    captured = capsys.readouterr()
    assert captured.err.startswith("city-policy: The study in ") and captured.err.count("samples.csv, row 2") == 1
    assert "Traceback" not in captured.err and not captured.out
    # A build takes the lock of its data directory before it reads anything.
    after = {name: content for name, content in snapshot(tmp_path).items() if "build." not in name}
    assert after == before and published.is_dir()


def test_checking_makes_no_data_directory(project, tmp_path, monkeypatch):
    monkeypatch.setenv("CITY_POLICY_DATA", str(tmp_path / "data"))
    monkeypatch.chdir(project)
    folder = write_folder(tmp_path / "study", YEARBOOK_STUDY)
    assert main(["study", "check", str(folder)]) == 0
    assert not (tmp_path / "data").exists()


def test_the_variants_that_a_study_may_name_are_those_of_the_estimators():
    assert {"matching": matching.VARIANTS, "honest_did": tuple(event_times.ESTIMATORS)} == VARIANTS
