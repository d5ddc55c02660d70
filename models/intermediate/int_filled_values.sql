with frame as (

    select * from {{ ref('int_city_year_frame') }}

),

printed_values as (

    select * from {{ ref('int_printed_values') }}

),

unreadable_values as (

    select * from {{ ref('int_unreadable_values') }}

),

series as (

    select * from {{ ref('series') }}

),

study_series as (

    select * from {{ ref('int_study_series') }}

),

inputs as (

    select
        series.series,
        series.carry_years,
        series.canonical_unit = 'indicator' as is_yes_or_no
    from series
    where
        series.series in (select study_series.series from study_series)
        and series.series in (select printed_values.series from printed_values)

),

grid as (

    select
        frame.adcode,
        frame.year,
        inputs.series,
        inputs.carry_years,
        inputs.is_yes_or_no
    from frame
    cross join inputs

),

-- The printed neighbours in time, also from years outside the frame.
neighbours as (

    select
        grid.adcode,
        grid.year,
        grid.series,
        grid.carry_years,
        grid.is_yes_or_no,
        max(earlier.year) as earlier_year,
        min(later.year) as later_year
    from grid
    left join printed_values as earlier
        on
            grid.adcode = earlier.adcode
            and grid.series = earlier.series
            and earlier.year <= grid.year
    left join printed_values as later
        on
            grid.adcode = later.adcode
            and grid.series = later.series
            and later.year >= grid.year
    group by grid.adcode, grid.year, grid.series, grid.carry_years, grid.is_yes_or_no

),

statuses as (

    select
        neighbours.*,
        unreadable_values.reason as missing_reason,
        case
            when printed.value is not null then printed.value_status
            when unreadable_values.reason is not null then 'missing'
            -- There is nothing between yes and no: the last printed answer holds until the next.
            when neighbours.earlier_year is not null and neighbours.later_year is not null
                then if(neighbours.is_yes_or_no, 'carried', 'interpolated')
            when neighbours.year - neighbours.earlier_year <= neighbours.carry_years then 'carried'
            when neighbours.later_year - neighbours.year <= neighbours.carry_years then 'carried'
            else 'missing'
        end as filled_status
    from neighbours
    left join printed_values as printed
        on
            neighbours.adcode = printed.adcode
            and neighbours.series = printed.series
            and neighbours.year = printed.year
    left join unreadable_values
        on
            neighbours.adcode = unreadable_values.adcode
            and neighbours.series = unreadable_values.series
            and neighbours.year = unreadable_values.year

),

filled as (

    select
        statuses.adcode,
        statuses.year,
        statuses.series,
        printed.value as printed_value,
        statuses.filled_status as value_status,
        case statuses.filled_status
            when 'printed' then printed.value
            when 'corrected' then printed.value
            when 'interpolated'
                then
                    earlier.value
                    + (later.value - earlier.value)
                    * (statuses.year - statuses.earlier_year)
                    / (statuses.later_year - statuses.earlier_year)
            when 'carried' then coalesce(earlier.value, later.value)
        end as value,
        statuses.missing_reason,
        statuses.earlier_year,
        statuses.later_year,
        printed.source,
        printed.edition,
        printed.file_and_sheet,
        printed.cell_row,
        printed.cell_column,
        printed.cell_text
    from statuses
    left join printed_values as printed
        on
            statuses.adcode = printed.adcode
            and statuses.series = printed.series
            and statuses.year = printed.year
    left join printed_values as earlier
        on
            statuses.adcode = earlier.adcode
            and statuses.series = earlier.series
            and statuses.earlier_year = earlier.year
    left join printed_values as later
        on
            statuses.adcode = later.adcode
            and statuses.series = later.series
            and statuses.later_year = later.year

),

final as (

    select * from filled
    order by series, adcode, year

)

select * from final
