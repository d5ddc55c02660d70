"""Moran's I of residuals; the method is city_policy.estimation.estimators.spatial_inference."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.spatial_inference import residual_autocorrelation

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    places = dbt.ref("dim_city").df()
    baseline = (specifications["estimator"] == "fixed_effects") & (specifications["result"] == "baseline_effects")
    return residual_autocorrelation(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[baseline],
        coordinates=places.rename(columns={"longitude_gcj02": "longitude", "latitude_gcj02": "latitude"}),
        **controls,
        draws=int(settings["permutation_draws"]),
        seed=int(settings["seed"]),
    )
