with power as (

    select * from {{ ref('est_pretrend_power') }}

),

final as (

    select
        spec_id,
        paper_table,
        outcome,
        treatment,
        sample,
        variant,
        power,
        n_leads,
        pretrend_f,
        df_denom,
        pretrend_p_value,
        detectable_slope,
        bias_first_effect,
        bias_average_effect,
        estimate,
        std_error,
        -- A slope that the test misses as often would explain this share of the estimate.
        bias_average_effect / nullif(abs(estimate), 0) as bias_share_of_estimate,
        minimum_detectable_effect,
        n_obs,
        n_cities,
        n_treated_cities,
        status,
        message
    from power
    order by spec_id, power

)

select * from final
