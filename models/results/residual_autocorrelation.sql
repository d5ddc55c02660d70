with autocorrelation as (

    select * from {{ ref('est_residual_autocorrelation') }}

),

final as (

    select
        spec_id,
        result,
        outcome,
        treatment,
        sample,
        weights,
        year,
        moran_i,
        expected,
        std_dev,
        z,
        normal_p as normal_p_value,
        permutation_p as permutation_p_value,
        draws,
        seed,
        mean_neighbours,
        n_obs,
        n_cities,
        status,
        message
    from autocorrelation
    order by spec_id, weights, year nulls first

)

select * from final
