"""What the tests of the leads would have seen; the method is city_policy.estimation.estimators.honest_did."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.honest_did import estimate_parallel_trends

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    return estimate_parallel_trends(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "honest_did"],
        **controls,
        first=int(settings["event_window_first"]),
        last=int(settings["event_window_last"]),
    )[1]
