with comparison as (

    select * from {{ ref('coefficient_comparison') }}

),

diagnostics as (

    select * from {{ ref('est_instrumental_variable_diagnostics') }}

),

published as (

    select * from {{ ref('published_iv_diagnostics') }}

),

-- The paper does not name its variance estimator. Its Cragg-Donald F is not the square of its first-stage t, which it
-- would be under iid errors, so the robust statistic is the likelier counterpart; the row's own stands beside it.
robust as (

    select
        spec_id,
        kp_rk_lm as kleibergen_paap_rk_lm_robust
    from diagnostics
    where vcov = 'HC1'

),

final as (

    select
        comparison.spec_id,
        comparison.paper_table,
        comparison.panel as stage,
        comparison.column_no,
        diagnostics.instrument,
        comparison.outcome,
        comparison.treatment,
        comparison.term,
        comparison.vcov,
        comparison.estimate,
        comparison.std_error,
        comparison.t_stat,
        comparison.p_value,
        comparison.ci_low,
        comparison.ci_high,
        comparison.n_obs,
        comparison.n_cities,
        comparison.n_treated_cities,
        comparison.published_estimate,
        comparison.published_t_stat,
        comparison.published_stars,
        diagnostics.n_instruments,
        diagnostics.kp_rk_lm as kleibergen_paap_rk_lm,
        diagnostics.kp_rk_lm_p as kleibergen_paap_rk_lm_p_value,
        robust.kleibergen_paap_rk_lm_robust,
        diagnostics.cragg_donald_f,
        diagnostics.kp_wald_f as kleibergen_paap_wald_f,
        diagnostics.anderson_rubin_low,
        diagnostics.anderson_rubin_high,
        diagnostics.anderson_rubin_kind,
        published.kleibergen_paap_rk_lm::double as published_kleibergen_paap_rk_lm,
        published.cragg_donald_wald_f::double as published_cragg_donald_wald_f,
        diagnostics.degrees_rule,
        comparison.status,
        comparison.message
    from comparison
    left join diagnostics
        on
            comparison.spec_id = diagnostics.spec_id
            and comparison.vcov = diagnostics.vcov
    left join robust on comparison.spec_id = robust.spec_id
    left join published
        on
            comparison.paper_table = '4'
            and comparison.treatment = published.treatment
    where comparison.result = 'instrumental_variable'
    order by comparison.spec_id, comparison.vcov, comparison.panel, comparison.term

)

select * from final
