with true_effects as (

    select * from {{ ref('stg_true_effects') }}

),

final as (

    select
        scenario,
        policy_id,
        treated_group,
        event_time,
        part,
        n_treated_city_years,
        true_effect,
        source
    from true_effects
    order by policy_id, treated_group, event_time, part

)

select * from final
