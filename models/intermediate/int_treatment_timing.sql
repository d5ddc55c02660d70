with cities as (

    select * from {{ ref('stg_cities') }}

),

panel as (

    select * from {{ ref('stg_panel') }}

),

policies as (

    select * from {{ ref('stg_policies') }}

),

pilot_units as (

    select * from {{ ref('int_pilot_units') }}

),

-- A city may stand on a list more than once: its first year counts, with the confidence of that row.
listed as (

    select
        policy_id,
        adcode,
        min(start_year) as first_treated_year,
        arg_min(batch, (start_year, unit)) as batch,
        arg_min(confidence, (start_year, unit)) as confidence,
        arg_min(source, (start_year, unit)) as source
    from pilot_units
    group by policy_id, adcode

),

components as (

    select
        policy_id,
        unnest(components) as component,
        len(components) as n_components
    from policies
    where kind = 'derived'

),

-- A derived policy starts when the last of its components has started, and is as sure as the least sure of them.
derived as (

    select
        components.policy_id,
        listed.adcode,
        max(listed.first_treated_year) as first_treated_year,
        null as batch,
        max(listed.confidence) as confidence,
        'derived from ' || string_agg(components.component, ' and ' order by components.component) as source
    from components
    inner join listed on components.component = listed.policy_id
    group by components.policy_id, listed.adcode, components.n_components
    having count(*) = components.n_components

),

treated as (

    select * from listed
    union all
    select * from derived

),

final as (

    select
        cities.adcode,
        policies.policy_id,
        treated.first_treated_year,
        treated.batch,
        treated.confidence,
        treated.source
    from cities
    cross join policies
    left join treated
        on
            cities.adcode = treated.adcode
            and policies.policy_id = treated.policy_id
    where cities.is_prefecture_city_or_above or cities.adcode in (select panel.adcode from panel)
    order by policies.policy_id, cities.adcode

)

select * from final
