with study_cells as (

    select * from {{ ref('int_study_cells') }}

),

series as (

    select * from {{ ref('series') }}

),

unit_medians as (

    select
        part_adcode,
        series,
        median(value) as median_value,
        count(value) as printed_years
    from study_cells
    where unfit_reason is null
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
        study_cells.* exclude (unfit_reason),
        case
            when study_cells.value is null then null
            when study_cells.unfit_reason is not null then study_cells.unfit_reason
            when conflicts.is_conflict
                then 'two cells print different values for one city, year and input'
            when study_cells.value < series.minimum
                then 'below the plausible minimum ' || series.minimum
            when study_cells.value > series.maximum
                then 'above the plausible maximum ' || series.maximum
            when
                unit_medians.printed_years >= 3
                and unit_medians.median_value > 0
                and (
                    study_cells.value > unit_medians.median_value * series.max_ratio_to_median
                    or study_cells.value < unit_medians.median_value / series.max_ratio_to_median
                )
                then
                    'more than ' || series.max_ratio_to_median
                    || ' times away from the median of the city''s own years'
        end as implausible_reason
    from study_cells
    inner join series on study_cells.series = series.series
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

    select * from judged

)

select * from final
