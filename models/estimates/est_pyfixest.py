"""The regressions once more by pyfixest; the method is city_policy.estimation.estimators.cross_check."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.cross_check import fit_with_pyfixest

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    # Regressions with city and year effects; pyfixest's own rule for others counts degrees of freedom otherwise.
    witnessed = (
        (specifications["estimator"] == "fixed_effects")
        & specifications["extra_fixed_effects"].isna()
        & (specifications["cluster"] == "adcode")
    )
    return fit_with_pyfixest(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[witnessed],
        controls=controls["controls"],
    )
