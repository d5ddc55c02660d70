with tests as (

    select * from {{ ref('est_specification_curve_test') }}

),

final as (

    select
        spec_id,
        outcome,
        treatment,
        n_regressions,
        median,
        lowest,
        highest,
        same_sign_share,
        significant_share,
        beyond_share,
        median_p as median_p_value,
        beyond_p as beyond_p_value,
        draws,
        seed,
        status,
        message
    from tests
    order by spec_id

)

select * from final
