-- Which values of a city are not printed but interpolated or carried, and between which years.
with inputs as (

    select * from {{ ref('fct_city_year_input') }}

),

cities as (

    select * from {{ ref('dim_city') }}

),

final as (

    select
        inputs.series,
        inputs.year,
        inputs.value_status,
        inputs.earlier_year,
        inputs.later_year,
        inputs.value,
        inputs.unit
    from inputs
    inner join cities on inputs.adcode = cities.adcode
    where cities.city_name_short = '武汉' and inputs.value_status in ('interpolated', 'carried', 'missing')
    order by inputs.series, inputs.year

)

select * from final
