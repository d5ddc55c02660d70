"""Effects with spillovers to nearby cities; the method is city_policy.estimation.estimators.spillovers."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.spillovers import spillovers

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    places = dbt.ref("dim_city").df()
    return spillovers(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "spillovers"],
        coordinates=places.rename(columns={"longitude_gcj02": "longitude", "latitude_gcj02": "latitude"}),
        **controls,
    )
