with cities as (

    select * from {{ ref('stg_cities') }}

),

cells as (

    select * from {{ ref('cln_cell_values') }}

),

printed_years as (

    select distinct data_year as year
    from cells
    where source = 'yearbook'

),

bounds as (

    select
        try_cast({{ setting('first_year') }} as integer) as first_year,
        try_cast({{ setting('last_year') }} as integer) as last_year

),

-- Once a bound is set the frame is every year between the bounds; otherwise the years that the input prints.
frame_years as (

    select printed_years.year
    from printed_years
    cross join bounds
    where bounds.first_year is null and bounds.last_year is null

    union all

    select unnest(generate_series(
        coalesce(bounds.first_year, (select min(printed_years.year) from printed_years)),
        coalesce(bounds.last_year, (select max(printed_years.year) from printed_years))
    ))::integer as year
    from bounds
    where bounds.first_year is not null or bounds.last_year is not null

),

printed_cities as (

    select distinct adcode
    from cells
    where source = 'yearbook'

),

-- Every city of the country, so that one that the yearbook forgets is missed; only the printed ones where a study is of
-- some cities.
frame_cities as (

    select cities.adcode
    from cities
    left join printed_cities on cities.adcode = printed_cities.adcode
    where
        cities.is_prefecture_city_or_above
        and case coalesce({{ setting('frame_cities') }}, 'all')
            when 'all' then true
            when 'printed' then printed_cities.adcode is not null
            else error('The setting frame_cities of seeds/study/settings.csv must be all or printed.')
        end

),

final as (

    select
        frame_cities.adcode,
        frame_years.year
    from frame_cities
    cross join frame_years
    order by frame_cities.adcode, frame_years.year

)

select * from final
