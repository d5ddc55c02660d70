"""Balance before and after matching; the method is city_policy.estimation.matching."""


def model(dbt, session):
    from city_policy.estimation.matching import compare_balance

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    specifications = dbt.ref("int_specifications").df()
    variables = dbt.ref("int_variable_coverage").df()
    controls = variables[variables["role"] == "control"]
    return compare_balance(
        panel=dbt.ref("fct_city_year").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "matching"],
        controls=controls.loc[controls["is_covered"], "column_name"].tolist(),
        matched=dbt.ref("est_matched_sample").df(),
    )
