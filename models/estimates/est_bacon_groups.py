"""The groups of the Goodman-Bacon decomposition; the method is city_policy.estimation.estimators.bacon."""


def model(dbt, session):
    from city_policy.estimation.estimators.bacon import decompose_bacon

    # The estimates wait for the data quality checks: when one of severity error fails, they are not made.
    dbt.ref("data_quality_expectations")
    specifications = dbt.ref("int_specifications").df()
    return decompose_bacon(
        panel=dbt.ref("fct_study_panel").df(),
        treatment_timing=dbt.ref("fct_city_policy").df(),
        specifications=specifications[specifications["estimator"] == "bacon"],
    )[1]
