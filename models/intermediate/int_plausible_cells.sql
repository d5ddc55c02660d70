with bounded_cells as (

    select * from {{ ref('int_bounded_cells') }}

),

spikes as (

    select * from {{ ref('int_spikes') }}

),

quarantined_spikes as (

    select
        *,
        'more than ' || quarantined_beyond || ' times away from ' || previous_year || ' and ' || next_year
        || ', which agree with each other' as spike_reason
    from spikes
    where verdict = 'quarantined'

),

final as (

    select
        bounded_cells.* replace (
            case
                when bounded_cells.value is not null
                    then coalesce(bounded_cells.implausible_reason, quarantined_spikes.spike_reason)
            end as implausible_reason
        ),
        bounded_cells.value is null
        or coalesce(bounded_cells.implausible_reason, quarantined_spikes.spike_reason) is null as is_plausible
    from bounded_cells
    left join quarantined_spikes
        on
            bounded_cells.part_adcode = quarantined_spikes.part_adcode
            and bounded_cells.series = quarantined_spikes.series
            and bounded_cells.source = quarantined_spikes.source
            and bounded_cells.data_year = quarantined_spikes.year

)

select * from final
