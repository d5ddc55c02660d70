-- A derived policy starts in the last of its components' first years, and only where all of them start.
with timing as (

    select * from {{ ref('fct_city_policy') }}

),

policies as (

    select * from {{ ref('dim_policy') }}

),

components as (

    select
        policy_id,
        unnest(string_split(components, ' ')) as component
    from policies
    where kind = 'derived'

),

expected as (

    select
        components.policy_id,
        timing.adcode,
        if(bool_or(timing.first_treated_year is null), null, max(timing.first_treated_year)) as first_treated_year
    from components
    inner join timing on components.component = timing.policy_id
    group by components.policy_id, timing.adcode

)

select
    timing.adcode,
    timing.policy_id,
    timing.first_treated_year,
    expected.first_treated_year as expected_year
from timing
inner join expected
    on
        timing.policy_id = expected.policy_id
        and timing.adcode = expected.adcode
where timing.first_treated_year is distinct from expected.first_treated_year
