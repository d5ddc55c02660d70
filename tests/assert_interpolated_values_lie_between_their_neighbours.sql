-- An interpolated value lies between the printed values it was interpolated from.
with inputs as (

    select * from {{ ref('fct_city_year_input') }}

),

printed as (

    select * from {{ ref('int_printed_values') }}

)

select
    inputs.adcode,
    inputs.year,
    inputs.series,
    inputs.value
from inputs
inner join printed as earlier
    on
        inputs.adcode = earlier.adcode
        and inputs.series = earlier.series
        and inputs.earlier_year = earlier.year
inner join printed as later
    on
        inputs.adcode = later.adcode
        and inputs.series = later.series
        and inputs.later_year = later.year
where
    inputs.value_status = 'interpolated'
    and inputs.value not between least(earlier.value, later.value) * (1 - 1e-12)
    and greatest(earlier.value, later.value) * (1 + 1e-12)
