with cities as (

    select * from {{ ref('stg_cities') }}

),

cells as (

    select * from {{ ref('cln_cell_values') }}

),

panel as (

    select * from {{ ref('stg_panel') }}

),

bounds as (

    select
        coalesce(try_cast({{ setting('study_first_year') }} as integer), 0) as study_first_year,
        coalesce(try_cast({{ setting('study_last_year') }} as integer), 9999) as study_last_year,
        try_cast({{ setting('first_year') }} as integer) as first_year,
        try_cast({{ setting('last_year') }} as integer) as last_year

),

-- The years that the yearbook prints or the panel has.
printed_years as (

    select data_year as year
    from cells
    where source = 'yearbook' and value is not null
    union
    select year
    from panel

),

-- Those of the study, whatever other editions lie beside them.
study_years as (

    select printed_years.year
    from printed_years
    inner join bounds on printed_years.year between bounds.study_first_year and bounds.study_last_year

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
                    'The input has no year from study_first_year to study_last_year of '
                    || 'study.csv (' || bounds.study_first_year || ' to ' || bounds.study_last_year
                    || '); add these years or change the two settings.'
                )
            {% for bound in ['first_year', 'last_year'] -%}
            when bounds.{{ bound }} is not null and not list_contains(told.years, bounds.{{ bound }})
                then error(
                    'The setting {{ bound }} of study.csv asks for ' || bounds.{{ bound }}
                    || '; the years of the study that the input has are ' || told.words
                    || ': set it to one of them or leave it blank.'
                )
            {% endfor -%}
            when bounds.first_year > bounds.last_year
                then error(
                    'The settings of study.csv let the frame start in ' || bounds.first_year
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
            else error('The setting frame_cities of study.csv must be all or printed.')
        end

),

of_the_yearbook as (

    select
        frame_cities.adcode,
        frame_years.year
    from frame_cities
    cross join frame_years

),

-- A panel of its own has the rows that it has, and then no yearbook is read.
of_the_panel as (

    select
        panel.adcode,
        panel.year
    from panel
    inner join frame_bounds on panel.year between frame_bounds.first_year and frame_bounds.last_year

),

final as (

    select * from of_the_yearbook
    where '{{ var("source") }}' != 'panel'
    union all
    select * from of_the_panel
    order by adcode, year

)

select * from final
