with coefficients as (

    select * from {{ ref('regression_coefficients') }}

),

diagnostics as (

    select * from {{ ref('est_instrumental_variable_diagnostics') }}

),

-- The statistic that is robust to heteroskedasticity stands beside that of the row's own variance estimator.
robust as (

    select
        spec_id,
        kp_rk_lm as kleibergen_paap_rk_lm_robust
    from diagnostics
    where vcov = 'HC1'

),

final as (

    select
        coefficients.spec_id,
        coefficients.paper_table,
        coefficients.panel as stage,
        diagnostics.instrument,
        coefficients.outcome,
        coefficients.treatment,
        coefficients.term,
        coefficients.vcov,
        coefficients.estimate,
        coefficients.std_error,
        coefficients.t_stat,
        coefficients.p_value,
        coefficients.ci_low,
        coefficients.ci_high,
        coefficients.n_obs,
        coefficients.n_cities,
        coefficients.n_treated_cities,
        diagnostics.n_instruments,
        diagnostics.kp_rk_lm as kleibergen_paap_rk_lm,
        diagnostics.kp_rk_lm_p as kleibergen_paap_rk_lm_p_value,
        robust.kleibergen_paap_rk_lm_robust,
        diagnostics.cragg_donald_f,
        diagnostics.kp_wald_f as kleibergen_paap_wald_f,
        diagnostics.anderson_rubin_low,
        diagnostics.anderson_rubin_high,
        diagnostics.anderson_rubin_kind,
        diagnostics.degrees_rule,
        coefficients.status,
        coefficients.message
    from coefficients
    left join diagnostics
        on
            coefficients.spec_id = diagnostics.spec_id
            and coefficients.vcov = diagnostics.vcov
    left join robust on coefficients.spec_id = robust.spec_id
    where coefficients.result = 'instrumental_variable'
    order by coefficients.spec_id, coefficients.vcov, coefficients.panel, coefficients.term

)

select * from final
