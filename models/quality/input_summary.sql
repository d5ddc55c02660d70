with sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

measures as (

    select * from {{ ref('int_measures') }}

),

measure_series as (

    select * from {{ ref('int_measure_series') }}

),

measure_uses as (

    select * from {{ ref('int_measure_uses') }}

),

frame as (

    select * from {{ ref('int_city_year_frame') }}

),

series as (

    select * from {{ ref('series') }}

),

quarantined_cells as (

    select * from {{ ref('quarantined_cells') }}

),

spikes as (

    select * from {{ ref('int_spikes') }}

),

-- What the index, the controls and the mediators of this build are made of.
measure_users as (

    select
        measure,
        string_agg(distinct coalesce(indicator, variable), ' ' order by coalesce(indicator, variable)) as used_by
    from measure_uses
    group by measure

),

sample_values as (

    select
        measures.measure,
        measures.year,
        measures.basis,
        measures.value_status,
        -- Values at constant or current prices rest on the series that the basis begins with.
        split_part(measures.basis, ' ', 1) as series
    from measures
    inner join sample_membership on measures.adcode = sample_membership.adcode
    where sample_membership.in_sample

),

counts as (

    select
        measure,
        basis,
        series,
        count(*) as n_values,
        count(*) filter (value_status in ('printed', 'corrected')) as n_printed,
        count(*) filter (value_status = 'interpolated') as n_interpolated,
        count(*) filter (value_status = 'carried') as n_carried,
        min(year) filter (value_status in ('printed', 'corrected')) as first_printed_year,
        max(year) filter (value_status in ('printed', 'corrected')) as last_printed_year
    from sample_values
    group by measure, basis, series

),

-- Cells of sample cities in years of the frame, of the scope that the study reads.
quarantined as (

    select
        quarantined_cells.series,
        count(distinct (quarantined_cells.adcode, quarantined_cells.data_year)) as n_quarantined
    from quarantined_cells
    inner join series
        on
            quarantined_cells.series = series.series
            and quarantined_cells.scope = series.scope
    inner join sample_membership on quarantined_cells.adcode = sample_membership.adcode
    where
        sample_membership.in_sample
        and quarantined_cells.data_year in (select frame.year from frame)
    group by quarantined_cells.series

),

flagged as (

    select
        spikes.series,
        count(distinct (spikes.adcode, spikes.year)) as n_flagged_spikes
    from spikes
    inner join sample_membership on spikes.adcode = sample_membership.adcode
    where
        sample_membership.in_sample
        and spikes.verdict = 'flagged'
        and spikes.year in (select frame.year from frame)
    group by spikes.series

),

final as (

    select
        counts.measure,
        counts.basis,
        series.name_zh as series_name_zh,
        series.name_en as series_name_en,
        coalesce(measure_series.is_proxy, false) as is_proxy,
        counts.n_values,
        counts.n_printed / counts.n_values as printed_share,
        counts.n_interpolated,
        counts.n_carried,
        coalesce(quarantined.n_quarantined, 0) as n_quarantined,
        coalesce(flagged.n_flagged_spikes, 0) as n_flagged_spikes,
        counts.first_printed_year,
        counts.last_printed_year,
        measure_users.used_by
    from counts
    inner join measure_users on counts.measure = measure_users.measure
    left join measure_series on counts.measure = measure_series.measure
    left join series on counts.series = series.series
    left join quarantined on counts.series = quarantined.series
    left join flagged on counts.series = flagged.series
    order by counts.measure, counts.basis

)

select * from final
