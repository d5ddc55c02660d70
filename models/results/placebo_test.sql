with tests as (

    select * from {{ ref('est_placebo_test') }}

),

final as (

    select
        spec_id,
        treatment,
        outcome,
        sample,
        n_draws,
        seed,
        estimate,
        mean_of_draws,
        sd_of_draws,
        quantile_025,
        quantile_975,
        randomisation_p as randomisation_p_value,
        randomisation_p_t as randomisation_p_value_of_t,
        n_obs,
        n_cities,
        n_treated_cities,
        status,
        message
    from tests
    order by spec_id

)

select * from final
