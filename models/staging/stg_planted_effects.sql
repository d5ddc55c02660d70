with demo_truth as (

    select * from {{ ref('demo_truth') }}

),

-- What was planted into the demo yearbook says nothing about another input.
final as (

    select
        scenario,
        policy_id,
        "group" as planted_group,
        try_cast(event_time as integer) as event_time,
        city_years::integer as n_treated_city_years,
        total::double as planted_effect,
        direct::double as planted_direct_effect,
        through_agglomeration::double as planted_through_agglomeration,
        through_innovation::double as planted_through_innovation,
        source
    from demo_truth
    where '{{ var("source") }}' = 'demo'

)

select * from final
