with tests as (

    select * from {{ ref('est_multiple_hypotheses') }}

),

holm as (

    {{ holm('tests', family='family', p_value='p_value') | indent(4) }}

),

final as (

    select
        tests.family,
        tests.spec_id,
        tests.result,
        tests.outcome,
        tests.treatment,
        tests.sample,
        tests.estimate,
        tests.t_stat,
        tests.p_value,
        tests.romano_wolf_p as romano_wolf_p_value,
        holm.holm_p_value,
        tests.n_hypotheses,
        tests.draws,
        tests.seed,
        tests.n_obs,
        tests.n_cities,
        tests.status,
        tests.message
    from tests
    left join holm on tests.family = holm.family and tests.spec_id = holm.spec_id
    order by tests.family, romano_wolf_p_value nulls last, abs(tests.t_stat) desc nulls last, tests.spec_id

)

select * from final
