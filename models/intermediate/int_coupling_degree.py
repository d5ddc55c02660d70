"""Degree of coupling between the digital and the real economy; the method is city_policy.index.coupling."""

SCHEMA = {
    "adcode": "str",
    "year": "Int64",
    "digital_score": "float64",
    "real_score": "float64",
    "coupling": "float64",
    "coordination": "float64",
    "coupling_coordination_degree": "float64",
}


def model(dbt, session):
    from city_policy.estimation.contract.record import cast_to_schema
    from city_policy.index.coupling import coupling_coordination, entropy_weights

    components = dbt.ref("int_coupling_components").df()
    if components.empty:
        return cast_to_schema(components[[]], SCHEMA)
    scores = {}
    for subsystem, part in components.groupby("subsystem"):
        wide = part.pivot(index=["adcode", "year"], columns="component", values="value").sort_index()
        scores[f"{subsystem}_score"] = entropy_weights(wide, dict.fromkeys(wide.columns, 1)).scores
    degree = coupling_coordination(scores["digital_score"], scores["real_score"])
    degree = degree.rename(columns={"coupling_coordination": "coupling_coordination_degree"})
    return cast_to_schema(degree.assign(**scores).reset_index(), SCHEMA)
