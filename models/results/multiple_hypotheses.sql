with tests as (

    select * from {{ ref('est_multiple_hypotheses') }}

),

final as (

    select
        family,
        spec_id,
        result,
        outcome,
        treatment,
        sample,
        estimate,
        t_stat,
        p_value,
        romano_wolf_p as romano_wolf_p_value,
        holm_p as holm_p_value,
        n_hypotheses,
        draws,
        seed,
        n_obs,
        n_cities,
        status,
        message
    from tests
    order by family, romano_wolf_p_value nulls last, abs(t_stat) desc nulls last, spec_id

)

select * from final
