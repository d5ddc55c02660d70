"""Randomisation tests; the method is city_policy.estimation.estimators.placebo."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.placebo import placebo

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    return placebo(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "placebo"],
        **controls,
        draws=int(settings["placebo_draws"]),
        seed=int(settings["seed"]),
    )[1]
