with effects as (

    select * from {{ ref('est_spatial_inference') }}

),

final as (

    select
        spec_id,
        result,
        outcome,
        treatment,
        sample,
        dependence,
        kernel,
        cutoff_km,
        mean_neighbours,
        estimate,
        std_error,
        t_stat,
        p_value,
        ci_low,
        ci_high,
        n_obs,
        n_cities,
        status,
        message
    from effects
    order by spec_id, dependence = 'within_city' desc, dependence desc, kernel nulls first, cutoff_km

)

select * from final
