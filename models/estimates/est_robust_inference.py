"""Effects of regressions under kinds of inference; the method is city_policy.estimation.estimators.robust_inference."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.robust_inference import robust_inference

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    # What the engine of cross products computes: whole cities, each row once, city and year effects.
    resampled = (
        specifications["estimator"].isin(["fixed_effects", "matching"])
        & (specifications["variant"].fillna("") != "matched_weighted")
        & specifications["extra_fixed_effects"].isna()
        & (specifications["cluster"] == "adcode")
    )
    return robust_inference(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[resampled],
        matched=dbt.ref("est_matched_sample").df(),
        **controls,
        bootstrap_draws=int(settings["bootstrap_draws"]),
        wild_draws=int(settings["wild_draws"]),
        placebo_draws=int(settings["placebo_draws"]),
        seed=int(settings["seed"]),
    )
