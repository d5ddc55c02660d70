"""All effects tested together; the method is city_policy.estimation.estimators.multiple_hypotheses."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.multiple_hypotheses import multiple_hypotheses

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    # A robustness check is no further hypothesis; the engine has whole cities, city and year effects.
    tested = (
        (specifications["estimator"] == "fixed_effects")
        & (specifications["result"] != "robustness_effects")
        & specifications["extra_fixed_effects"].isna()
        & (specifications["cluster"] == "adcode")
    )
    return multiple_hypotheses(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[tested],
        **controls,
        draws=int(settings["bootstrap_draws"]),
        seed=int(settings["seed"]),
    )
