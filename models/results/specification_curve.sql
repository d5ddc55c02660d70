with curve as (

    select * from {{ ref('est_specification_curve') }}

),

final as (

    select
        spec_id,
        outcome,
        treatment,
        index_weights,
        scaling,
        winsorised_percent,
        controls,
        sample,
        estimator,
        is_main,
        -- The place on the curve, from the smallest effect on.
        case
            when estimate is not null
                then
                    row_number() over (
                        partition by spec_id
                        order by
                            estimate is null, estimate, estimator, sample, controls, index_weights, scaling,
                            winsorised_percent
                    )
        end as place,
        estimate,
        std_error,
        t_stat,
        p_value,
        ci_low,
        ci_high,
        outcome_std_dev,
        n_obs,
        n_cities,
        status,
        message
    from curve
    order by spec_id, place nulls last, estimator, sample, controls, index_weights, scaling, winsorised_percent

)

select * from final
