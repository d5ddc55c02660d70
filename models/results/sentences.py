"""Sentences of marts, quality and results in Chinese; the method is city_policy.report.sentences."""


def model(dbt, session):
    from city_policy.report.sentences import chinese_sentences

    tables = (
        dbt.ref("dim_city"),
        dbt.ref("dim_study"),
        dbt.ref("fct_city_year_input"),
        dbt.ref("fct_city_year_series"),
        dbt.ref("data_quality_expectations"),
        dbt.ref("frame_years"),
        dbt.ref("input_summary"),
        dbt.ref("printed_totals"),
        dbt.ref("quarantined_cells"),
        dbt.ref("row_count_check"),
        dbt.ref("series_medians"),
        dbt.ref("bacon_decomposition"),
        dbt.ref("city_influence"),
        dbt.ref("estimate_cross_check"),
        dbt.ref("event_study"),
        dbt.ref("group_differences"),
        dbt.ref("heterogeneity_robust_effects"),
        dbt.ref("index_weights"),
        dbt.ref("instrumental_variable"),
        dbt.ref("matching_balance"),
        dbt.ref("mediation_effects"),
        dbt.ref("multiple_hypotheses"),
        dbt.ref("parallel_trends_sensitivity"),
        dbt.ref("placebo_test"),
        dbt.ref("pretrend_power"),
        dbt.ref("regression_coefficients"),
        dbt.ref("residual_autocorrelation"),
        dbt.ref("robust_inference"),
        dbt.ref("soundness_evidence"),
        dbt.ref("soundness_notes"),
        dbt.ref("spatial_inference"),
        dbt.ref("spatial_spillovers"),
        dbt.ref("specification_curve"),
        dbt.ref("specification_curve_test"),
        dbt.ref("summary_statistics"),
    )
    return chinese_sentences(tables, dbt.ref("int_words").df())
