with spillovers as (

    select * from {{ ref('est_spillovers') }}

),

final as (

    select
        spec_id,
        result,
        outcome,
        treatment,
        sample,
        variant,
        term,
        distance_from_km,
        distance_to_km,
        vcov,
        estimate,
        std_error,
        t_stat,
        p_value,
        ci_low,
        ci_high,
        n_city_years,
        n_obs,
        n_cities,
        n_treated_cities,
        n_dropped_missing,
        n_dropped_singletons,
        dropped_terms,
        r2,
        r2_within,
        status,
        message
    from spillovers
    order by spec_id, vcov, distance_from_km nulls first, term

)

select * from final
