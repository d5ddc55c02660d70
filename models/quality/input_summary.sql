with sample_membership as (

    select * from {{ ref('int_sample_membership') }}

),

quantities as (

    select * from {{ ref('int_quantities') }}

),

quantity_series as (

    select * from {{ ref('int_quantity_series') }}

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
measures as (

    select
        quantity,
        string_agg(distinct coalesce(indicator, variable), ' ' order by coalesce(indicator, variable)) as used_by
    from measure_uses
    group by quantity

),

sample_values as (

    select
        quantities.quantity,
        quantities.year,
        quantities.basis,
        quantities.value_status,
        -- Values at constant or current prices rest on the series that the basis begins with.
        split_part(quantities.basis, ' ', 1) as series
    from quantities
    inner join sample_membership on quantities.adcode = sample_membership.adcode
    where sample_membership.in_sample

),

counts as (

    select
        quantity,
        basis,
        series,
        count(*) as n_values,
        count(*) filter (value_status in ('printed', 'corrected')) as n_printed,
        count(*) filter (value_status = 'interpolated') as n_interpolated,
        count(*) filter (value_status = 'carried') as n_carried,
        min(year) filter (value_status in ('printed', 'corrected')) as first_printed_year,
        max(year) filter (value_status in ('printed', 'corrected')) as last_printed_year
    from sample_values
    group by quantity, basis, series

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
        counts.quantity as measure,
        counts.basis,
        series.name_zh as series_name_zh,
        series.name_en as series_name_en,
        coalesce(quantity_series.is_proxy, false) as is_proxy,
        counts.n_values,
        counts.n_printed / counts.n_values as printed_share,
        counts.n_interpolated,
        counts.n_carried,
        coalesce(quarantined.n_quarantined, 0) as n_quarantined,
        coalesce(flagged.n_flagged_spikes, 0) as n_flagged_spikes,
        counts.first_printed_year,
        counts.last_printed_year,
        measures.used_by
    from counts
    inner join measures on counts.quantity = measures.quantity
    left join quantity_series on counts.quantity = quantity_series.quantity
    left join series on counts.series = series.series
    left join quarantined on counts.series = quarantined.series
    left join flagged on counts.series = flagged.series
    order by counts.quantity, counts.basis

)

select * from final
