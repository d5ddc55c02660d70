with inputs as (

    select * from {{ ref('fct_city_year_input') }}

),

final as (

    select
        series,
        year,
        count(*) as n_cities,
        count(*) filter (value_status = 'printed') as n_printed,
        count(*) filter (value_status = 'corrected') as n_corrected,
        count(*) filter (value_status = 'interpolated') as n_interpolated,
        count(*) filter (value_status = 'carried') as n_carried,
        count(*) filter (value_status = 'missing') as n_missing,
        count(value) / count(*) as available_share
    from inputs
    group by series, year
    order by series, year

)

select * from final
