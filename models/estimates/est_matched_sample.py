"""The matched city-years; the method is city_policy.estimation.estimators.matching."""


def model(dbt, session):
    from city_policy.estimation.contract.specification import split_controls
    from city_policy.estimation.estimators.matching import matched_rows

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    specifications = dbt.ref("int_specifications").df()
    controls = split_controls(dbt.ref("int_variable_coverage").df())
    return matched_rows(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "matching"],
        controls=controls["controls"],
    )
