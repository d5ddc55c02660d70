"""Cities and years of the panel and of the treatment timing: what is written differently is matched or refused."""

import numpy as np
import pandas as pd
import pytest
from city_policy.errors import InputError
from city_policy.estimation.contract.panel import Panel

CITIES = ("110100", "310100", "440100")


def tables(cities=CITIES, timing_cities=CITIES, years=(2011, 2012, 2013), starts=(2012, None, 2013)):
    panel = pd.DataFrame({"adcode": np.repeat(np.array(cities), len(years)), "year": np.tile(np.array(years), 3)})
    timing = pd.DataFrame({"adcode": timing_cities, "policy_id": "pilot", "first_treated_year": starts})
    return panel, timing


KINDS = {
    "text": list(CITIES),
    "whole": [int(city) for city in CITIES],
    "float": [float(city) for city in CITIES],
    "mixed": [CITIES[0], int(CITIES[1]), float(CITIES[2])],
}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("timing_kind", KINDS)
def test_text_and_numbers_are_the_same_city(kind, timing_kind):
    panel, timing = tables(timing_cities=pd.Series(KINDS[timing_kind], dtype="object"))
    panel["adcode"] = pd.Series([city for city in KINDS[kind] for _ in range(3)], dtype="object")
    if kind in ("whole", "float"):
        panel["adcode"] = pd.to_numeric(panel["adcode"])
    checked = Panel(panel, timing)
    assert checked.adcodes.tolist() == list(CITIES)
    assert checked.regressor("pilot").tolist() == [0, 1, 1, 0, 0, 0, 0, 0, 1]


@pytest.mark.parametrize("written", ["0110100", "110100.0", " 110100"])
def test_other_spellings_of_a_number_are_refused(written):
    panel, timing = tables(timing_cities=(written, *CITIES[1:]))
    with pytest.raises(InputError, match=f"timing calls a city '{written}', the panel '110100'"):
        Panel(panel, timing)


def test_a_city_that_the_panel_lacks_is_no_mistake():
    panel, timing = tables(timing_cities=("999999", "beijing", "440100"))
    assert Panel(panel, timing).regressor("pilot").tolist() == [0] * 8 + [1]


def test_one_city_written_in_two_ways_stands_twice():
    panel, timing = tables()
    panel["adcode"] = panel["adcode"].astype("object")
    panel.loc[3, "adcode"], panel.loc[3, "year"] = 110100, 2011
    with pytest.raises(InputError, match="holds adcode 110100, year 2011 more than once"):
        Panel(panel, timing)


def test_a_city_is_no_fraction():
    panel, timing = tables()
    panel["adcode"] = panel["adcode"].astype("float64") + 0.5
    with pytest.raises(InputError, match=r"holds adcode 110100\.5; expected text or a whole number"):
        Panel(panel, timing)


@pytest.mark.parametrize("start", [0, -1, 2012.5, np.inf, "soon"])
def test_a_start_is_a_year_or_nothing(start):
    panel, timing = tables(starts=pd.Series([2012, start, None], dtype="object"))
    with pytest.raises(
        InputError, match=r"first treated year of 310100 in pilot is .*; expected a whole year or nothing"
    ):
        Panel(panel, timing)


@pytest.mark.parametrize("year", [2012.5, np.inf, "late"])
def test_a_year_is_whole(year):
    panel, timing = tables()
    panel["year"] = panel["year"].astype("object")
    panel.loc[4, "year"] = year
    with pytest.raises(InputError, match=f"the year {year} for 310100; expected whole years"):
        Panel(panel, timing)
