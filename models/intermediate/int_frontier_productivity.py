"""Total factor productivity by stochastic frontier; the method is city_policy.index.frontier."""

SCHEMA = {
    "adcode": "str",
    "year": "Int64",
    "log_total_factor_productivity": "float64",
    "inefficiency": "float64",
    "efficiency": "float64",
    "status": "str",
    "message": "str",
}


def model(dbt, session):
    from city_policy.estimation.contract.record import cast_to_schema
    from city_policy.index.frontier import total_factor_productivity

    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    inputs = dbt.ref("int_frontier_inputs").df()
    if inputs.empty:
        return cast_to_schema(inputs[[]], SCHEMA)
    result = total_factor_productivity(
        inputs,
        output="real_gdp_cny_10k",
        capital="capital_stock_cny_10k",
        labour="employees_persons",
        city="adcode",
        year="year",
        form=settings["frontier_form"],
    )
    values = result.values.rename(columns={"ln_tfp": "log_total_factor_productivity"}).drop(columns="tfp")
    return cast_to_schema(values.assign(status=result.status, message=result.message), SCHEMA)
