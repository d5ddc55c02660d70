with filled_values as (

    select * from {{ ref('int_filled_values') }}

),

final as (

    select
        series,
        count(*) as n_city_years,
        count(printed_value) as n_printed,
        count(value) as n_available,
        count(value) / count(*) as available_share
    from filled_values
    group by series
    order by series

)

select * from final
