-- The demo yearbook's damage is planted: each damaged cell must end as the generator says it should. Another input has none.
with damage as (

    select * from {{ ref('demo_planted_damage') }}

),

inputs as (

    select * from {{ ref('fct_city_year_input') }}

)

select
    damage.file,
    damage.data_year,
    damage.adcode,
    damage.kind,
    damage.series,
    damage.ends_as,
    inputs.value_status
from damage
inner join inputs
    on
        damage.adcode = inputs.adcode
        and damage.data_year::integer = inputs.year
        and damage.series = inputs.series
where
    '{{ var("source") }}' = 'demo'
    and (
        (damage.ends_as in ('printed', 'interpolated') and inputs.value_status != damage.ends_as)
        or (damage.ends_as = 'printed' and inputs.printed_value is null)
    )
