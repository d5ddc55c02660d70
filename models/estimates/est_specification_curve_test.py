"""The joint test of all combinations; the method is city_policy.estimation.estimators.specification_curve."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.specification_curve import specification_curve

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    directions = dbt.ref("dim_indicator").df().set_index("indicator")["direction"]
    values = dbt.ref("int_indicators").df()
    wide = values[values["in_sample"]].pivot(index=["adcode", "year"], columns="indicator", values="value")
    return specification_curve(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "specification_curve"],
        **split_controls(dbt.ref("int_variable_coverage").df()),
        indicators=wide.reset_index(),
        directions={name: int(directions[name]) for name in directions.index if name in wide.columns},
        index=settings["index_name"],
        scaling=settings["index_scaling"],
        eigenvalue_threshold=float(settings["eigenvalue_threshold"]),
        draws=int(settings["placebo_draws"]),
        seed=int(settings["seed"]),
    )[1]
