"""Differences between groups and their tests; the method is city_policy.estimation.group_differences."""


def model(dbt, session):
    from city_policy.estimation.group_differences import group_differences
    from city_policy.estimation.specification import split_controls

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    pairs = specifications[specifications["estimator"] == "group_difference"]
    return group_differences(
        panel=dbt.ref("fct_city_year").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=pairs.rename(columns={"sample": "sample_1", "comparison_sample": "sample_2"}),
        **controls,
        draws=int(settings["permutation_draws"]),
        seed=int(settings["seed"]),
    )
