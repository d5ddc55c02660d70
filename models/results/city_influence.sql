with influences as (

    select * from {{ ref('est_city_influence') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

timing as (

    select * from {{ ref('fct_city_policy') }}

),

final as (

    select
        influences.spec_id,
        influences.outcome,
        influences.treatment,
        influences.sample,
        influences.adcode,
        cities.city_name_zh,
        cities.city_name_en,
        cities.province_zh,
        timing.first_treated_year,
        influences.estimate,
        influences.estimate_without,
        influences.change,
        influences.change / influences.estimate as change_share,
        influences.linear_change,
        influences.variance_share,
        case when influences.change is not null then rank() over (
            partition by influences.spec_id order by abs(influences.change) desc nulls last
        ) end as influence_rank,
        influences.status,
        influences.message
    from influences
    left join cities on influences.adcode = cities.adcode
    left join timing
        on influences.adcode = timing.adcode and influences.treatment = timing.policy_id
    order by influences.spec_id, influence_rank, influences.adcode

)

select * from final
