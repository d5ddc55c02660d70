"""Great Expectations on the marts, once per build; the method is city_policy.quality.expectations."""


def model(dbt, session):
    import pandas as pd
    from city_policy.quality.expectations import run_expectations

    city_year = dbt.ref("fct_study_panel").df()
    city_policy = dbt.ref("fct_city_policy").df()
    return run_expectations(
        {
            "fct_study_panel": city_year[city_year["in_sample"]],
            "fct_city_policy": city_policy,
            "dim_indicator": dbt.ref("dim_indicator").df(),
        },
        pd.concat([dbt.ref("general_expectations").df(), dbt.ref("expectations").df()]),
    )
