with demo_truth as (

    select * from {{ ref('demo_truth') }}

),

-- What was planted into the demo yearbook says nothing about another input.
of_this_input as (

    select * from demo_truth
    where '{{ var("source") }}' = 'demo'

),

unpivoted as (

    unpivot of_this_input
    on total, direct, columns('^through_.*')
    into name part value true_effect

),

final as (

    select
        scenario,
        policy_id,
        "group" as treated_group,
        try_cast(event_time as integer) as event_time,
        part,
        city_years::integer as n_treated_city_years,
        true_effect::double as true_effect,
        source
    from unpivoted

)

select * from final
