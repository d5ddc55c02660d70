with cities as (

    select * from {{ ref('stg_cities') }}

),

cells as (

    select * from {{ ref('cln_cell_values') }}

),

bounds as (

    select
        coalesce(try_cast({{ setting('study_first_year') }} as integer), 0) as study_first_year,
        coalesce(try_cast({{ setting('study_last_year') }} as integer), 9999) as study_last_year,
        try_cast({{ setting('first_year') }} as integer) as first_year,
        try_cast({{ setting('last_year') }} as integer) as last_year

),

-- The years of the study that the yearbook prints, whatever other editions lie beside them.
study_years as (

    select distinct cells.data_year as year
    from cells
    inner join bounds on cells.data_year between bounds.study_first_year and bounds.study_last_year
    where cells.source = 'yearbook' and cells.value is not null

),

told as (

    select
        coalesce(list(year order by year), []) as years,
        coalesce(string_agg(year::varchar, ', ' order by year), 'none') as words
    from study_years

),

-- A year that nobody prints is refused: filling it would carry the values of a neighbour into the estimates.
frame_bounds as (

    select
        case
            when len(told.years) = 0
                then error(
                    'The yearbook prints no year from study_first_year to study_last_year of '
                    || 'seeds/study/settings.csv (' || bounds.study_first_year || ' to ' || bounds.study_last_year
                    || '); add editions of these years or change the two settings.'
                )
            {% for bound in ['first_year', 'last_year'] -%}
            when bounds.{{ bound }} is not null and not list_contains(told.years, bounds.{{ bound }})
                then error(
                    'The setting {{ bound }} of seeds/study/settings.csv asks for ' || bounds.{{ bound }}
                    || '; the years of the study that the yearbook prints are ' || told.words
                    || ': set it to one of them or leave it blank.'
                )
            {% endfor -%}
            when bounds.first_year > bounds.last_year
                then error(
                    'The settings of seeds/study/settings.csv let the frame start in ' || bounds.first_year
                    || ' (first_year) and end in ' || bounds.last_year || ' (last_year); swap them.'
                )
            else coalesce(bounds.first_year, told.years[1])
        end as first_year,
        coalesce(bounds.last_year, told.years[-1]) as last_year
    from bounds
    cross join told

),

frame_years as (

    select study_years.year
    from study_years
    inner join frame_bounds on study_years.year between frame_bounds.first_year and frame_bounds.last_year

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
