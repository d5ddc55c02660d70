with sensitivity as (

    select * from {{ ref('est_parallel_trends_sensitivity') }}

),

final as (

    select
        spec_id,
        paper_table,
        outcome,
        treatment,
        sample,
        variant,
        restriction,
        parameter,
        bound,
        slope_change,
        estimate,
        std_error,
        ci_low,
        ci_high,
        robust_ci_low,
        robust_ci_high,
        robust_ci_low > 0 or robust_ci_high < 0 as excludes_zero,
        breakdown,
        breakdown_value,
        n_leads,
        n_effects,
        n_obs,
        n_cities,
        n_treated_cities,
        status,
        message
    from sensitivity
    order by spec_id, restriction, parameter desc, bound

)

select * from final
