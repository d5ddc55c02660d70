"""The official name that a damaged name may stand for; the method is city_policy.reader.suggestions."""

SCHEMA = {"data_year": "Int64", "place_raw": "str", "suggested_name": "str", "suggested_adcode": "str"}


def model(dbt, session):
    from city_policy.estimation.contract.record import cast_to_schema
    from city_policy.reader.suggestions import suggestions_of_unknown_names

    places = dbt.ref("cln_places").df()
    unknown = places[places["kind"] == "unknown"]
    suggested = suggestions_of_unknown_names(
        unknown[["data_year", "place_raw"]].drop_duplicates(),
        prefecture_names=dbt.ref("prefecture_names").df(),
        county_level_cities=dbt.ref("county_level_cities").df(),
        city_names=dbt.ref("city_names").df(),
    )
    return cast_to_schema(suggested, SCHEMA)
