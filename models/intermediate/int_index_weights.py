"""Weights of the covered indicators by principal components; the method is city_policy.index.weights."""

SCHEMA = {
    "indicator": "str",
    "weight": "float64",
    "combined_coefficient": "float64",
    "against_components": "boolean",
    "n_city_years": "Int64",
    "n_components_retained": "Int64",
    "explained_share": "float64",
}


def model(dbt, session):
    from city_policy.estimation.contract.record import cast_to_schema
    from city_policy.index.weights import component_weights

    settings = dbt.ref("int_settings").df().set_index("setting")["value"]
    directions = dbt.ref("stg_indicators").df().set_index("indicator")["direction"]
    values = dbt.ref("int_indicators").df()
    sample = values[values["in_sample"]]
    if sample.empty:
        return cast_to_schema(sample[[]], SCHEMA)
    wide = sample.pivot(index=["adcode", "year"], columns="indicator", values="value")
    result = component_weights(
        wide.reset_index(),
        {name: int(directions[name]) for name in directions.index if name in wide.columns},
        threshold=float(settings["eigenvalue_threshold"]),
    )
    retained = result.components[result.components["retained"]]
    return cast_to_schema(
        result.indicators.drop(columns="direction").assign(
            n_city_years=result.n_rows,
            n_components_retained=len(retained),
            explained_share=retained["explained_share"].sum(),
        ),
        SCHEMA,
    )
