with planted_effects as (

    select * from {{ ref('stg_planted_effects') }}

),

final as (

    select
        scenario,
        policy_id,
        planted_group,
        event_time,
        n_treated_city_years,
        planted_effect,
        planted_direct_effect,
        planted_through_agglomeration,
        planted_through_innovation,
        source
    from planted_effects
    order by policy_id, planted_group, event_time

)

select * from final
