"""Differences between groups and their tests; the method is city_policy.estimation.estimators.group_differences."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.group_differences import group_differences

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    return group_differences(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "group_difference"],
        **controls,
        draws=int(settings["permutation_draws"]),
        seed=int(settings["seed"]),
    )
