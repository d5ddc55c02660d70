"""Sentences of marts, quality and results in Chinese; the method is city_policy.report.sentences."""


def model(dbt, session):
    from city_policy.report.sentences import chinese_sentences

    marts = dbt.ref("dim_city"), dbt.ref("dim_study"), dbt.ref("fct_city_year_input"), dbt.ref("fct_city_year_series")
    checks = dbt.ref("data_quality_expectations"), dbt.ref("frame_years"), dbt.ref("input_summary")
    cells = (
        dbt.ref("printed_totals"),
        dbt.ref("quarantined_cells"),
        dbt.ref("row_count_check"),
        dbt.ref("series_medians"),
        dbt.ref("reader_notes"),
    )
    policies = dbt.ref("bacon_decomposition"), dbt.ref("event_study"), dbt.ref("heterogeneity_robust_effects")
    placebo = dbt.ref("placebo_test"), dbt.ref("pretrend_power"), dbt.ref("parallel_trends_sensitivity")
    regressions = dbt.ref("regression_coefficients"), dbt.ref("estimate_cross_check"), dbt.ref("instrumental_variable")
    matching = dbt.ref("matching_balance"), dbt.ref("mediation_effects"), dbt.ref("group_differences")
    inference = dbt.ref("robust_inference"), dbt.ref("city_influence"), dbt.ref("multiple_hypotheses")
    space = dbt.ref("spatial_inference"), dbt.ref("spatial_spillovers"), dbt.ref("residual_autocorrelation")
    curve = dbt.ref("specification_curve"), dbt.ref("specification_curve_test"), dbt.ref("soundness_evidence")
    described = dbt.ref("index_weights"), dbt.ref("summary_statistics"), dbt.ref("soundness_notes")
    tables = (
        *marts,
        *checks,
        *cells,
        *policies,
        *placebo,
        *regressions,
        *matching,
        *inference,
        *space,
        *curve,
        *described,
    )
    return chinese_sentences(tables, dbt.ref("int_words").df())
