-- The bridge leaves out no value of an indicator, and so no value of the index.
with indicator_values as (

    select * from {{ ref('fct_city_year_indicator') }}

),

bridge as (

    select * from {{ ref('bridge_indicator_cell') }}

)

select
    adcode,
    year,
    indicator
from indicator_values
where value is not null
except
select
    adcode,
    year,
    indicator
from bridge
