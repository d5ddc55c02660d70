with cells as (

    select * from {{ ref('cln_cell_values') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

bounds as (

    select
        try_cast({{ setting('study_first_year') }} as integer) as study_first_year,
        try_cast({{ setting('study_last_year') }} as integer) as study_last_year

),

printed_years as (

    select
        data_year as year,
        count(distinct part_adcode) as n_printed_units,
        count(distinct series) as n_printed_series
    from cells
    where source = 'yearbook' and value is not null
    group by data_year

),

frame_years as (

    select distinct year from frame

),

-- The years that the study asks for and those that the input prints.
asked_years as (

    select unnest(generate_series(
        coalesce(bounds.study_first_year, (select min(year) from printed_years)),
        coalesce(bounds.study_last_year, (select max(year) from printed_years))
    ))::integer as year
    from bounds

),

years as (

    select year from asked_years
    union
    select year from printed_years

),

final as (

    select
        years.year,
        asked_years.year is not null as is_year_of_the_study,
        printed_years.year is not null as is_printed,
        frame_years.year is not null as is_in_frame,
        coalesce(printed_years.n_printed_units, 0) as n_printed_units,
        coalesce(printed_years.n_printed_series, 0) as n_printed_series,
        case
            when frame_years.year is not null then null
            when printed_years.year is null
                then 'The study asks for this year and no edition prints it: it is left out of the frame, not filled.'
            when asked_years.year is null
                then 'Printed, but no year of the study: its values only serve as neighbours when gaps are filled.'
            else 'Left out by first_year or last_year of study.csv; its values only serve as neighbours.'
        end as message
    from years
    left join asked_years on years.year = asked_years.year
    left join printed_years on years.year = printed_years.year
    left join frame_years on years.year = frame_years.year
    order by years.year

)

select * from final
