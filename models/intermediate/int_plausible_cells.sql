with cells as (

    select * from {{ ref('cln_cell_values') }}

),

series as (

    select * from {{ ref('series') }}

),

-- The study reads one scope per input: 全市 for nearly all, 市辖区 where nothing else is printed.
study_cells as (

    select
        cells.*,
        series.minimum,
        series.maximum,
        series.max_ratio_to_median
    from cells
    inner join series
        on
            cells.series = series.series
            and cells.scope = series.scope
    where cells.cell_status in ('printed', 'corrected', 'missing')

),

unit_medians as (

    select
        part_adcode,
        series,
        median(value) as median_value,
        count(value) as printed_years
    from study_cells
    group by part_adcode, series

),

-- The yearbook goes before a supplementary source; within a source two headers may print the same input.
conflicts as (

    select
        part_adcode,
        series,
        data_year,
        source,
        count(distinct value) > 1 as is_conflict
    from study_cells
    group by part_adcode, series, data_year, source

),

judged as (

    select
        study_cells.* exclude (minimum, maximum, max_ratio_to_median),
        case
            when study_cells.value is null then null
            when conflicts.is_conflict
                then 'two cells print different values for one city, year and input'
            when study_cells.value < study_cells.minimum
                then 'below the plausible minimum ' || study_cells.minimum
            when study_cells.value > study_cells.maximum
                then 'above the plausible maximum ' || study_cells.maximum
            when
                unit_medians.printed_years >= 3
                and unit_medians.median_value > 0
                and (
                    study_cells.value > unit_medians.median_value * study_cells.max_ratio_to_median
                    or study_cells.value < unit_medians.median_value / study_cells.max_ratio_to_median
                )
                then
                    'more than ' || study_cells.max_ratio_to_median
                    || ' times away from the median of the city''s own years'
        end as implausible_reason
    from study_cells
    left join unit_medians
        on
            study_cells.part_adcode = unit_medians.part_adcode
            and study_cells.series = unit_medians.series
    left join conflicts
        on
            study_cells.part_adcode = conflicts.part_adcode
            and study_cells.series = conflicts.series
            and study_cells.data_year = conflicts.data_year
            and study_cells.source = conflicts.source

),

final as (

    select
        *,
        implausible_reason is null as is_plausible
    from judged

)

select * from final
