with bounded_cells as (

    select * from {{ ref('int_bounded_cells') }}

),

series as (

    select * from {{ ref('series') }}

),

parameters as (

    select
        {{ setting('spike_ratio') }}::double as spike_ratio,
        {{ setting('spike_agreement') }}::double as spike_agreement

),

-- One value per printed unit, year and source. A series that may be negative, such as a growth rate, has no ratios.
unit_values as (

    select bounded_cells.*
    from bounded_cells
    inner join series on bounded_cells.series = series.series
    where
        bounded_cells.value > 0
        and bounded_cells.implausible_reason is null
        and coalesce(series.minimum, 0) >= 0
    qualify row_number() over (
        partition by bounded_cells.part_adcode, bounded_cells.series, bounded_cells.source, bounded_cells.data_year
        order by bounded_cells.file, bounded_cells.sheet, bounded_cells."row", bounded_cells."column"
    ) = 1

),

-- The neighbours are the previous and the next printed year, however far away: agreeing, they tell what lies between.
with_neighbours as (

    select
        *,
        lag(data_year) over unit_years as previous_year,
        lag(value) over unit_years as previous_value,
        lead(data_year) over unit_years as next_year,
        lead(value) over unit_years as next_value
    from unit_values
    window unit_years as (partition by part_adcode, series, source order by data_year)

),

-- The distance is that to the nearer neighbour, so that a value is off both.
measured as (

    select
        *,
        case
            when value > greatest(previous_value, next_value) then value / greatest(previous_value, next_value)
            when value < least(previous_value, next_value) then value / least(previous_value, next_value)
        end as ratio_to_nearer_neighbour
    from with_neighbours
    where previous_value is not null and next_value is not null

),

spikes as (

    select measured.*
    from measured
    cross join parameters
    where
        greatest(measured.previous_value, measured.next_value)
        <= parameters.spike_agreement * least(measured.previous_value, measured.next_value)
        and greatest(measured.ratio_to_nearer_neighbour, 1 / measured.ratio_to_nearer_neighbour)
        > parameters.spike_ratio

),

final as (

    select
        spikes.series,
        spikes.scope,
        spikes.source,
        spikes.adcode,
        spikes.part_adcode,
        spikes.city_raw,
        spikes.data_year as year,
        spikes.value,
        spikes.unit,
        spikes.previous_year,
        spikes.previous_value,
        spikes.next_year,
        spikes.next_value,
        spikes.ratio_to_nearer_neighbour as ratio,
        series.max_ratio_to_neighbours as quarantined_beyond,
        if(
            greatest(spikes.ratio_to_nearer_neighbour, 1 / spikes.ratio_to_nearer_neighbour)
            > series.max_ratio_to_neighbours,
            'quarantined', 'flagged'
        ) as verdict,
        spikes.cell_text,
        spikes.file,
        spikes.sheet,
        spikes."row",
        spikes."column"
    from spikes
    inner join series on spikes.series = series.series
    order by spikes.series, spikes.adcode, spikes.part_adcode, spikes.data_year, spikes.source

)

select * from final
