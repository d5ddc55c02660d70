with spikes as (

    select * from {{ ref('int_spikes') }}

),

cities as (

    select * from {{ ref('stg_cities') }}

),

final as (

    select
        spikes.series,
        spikes.adcode,
        cities.city_name_zh,
        spikes.part_adcode,
        spikes.year,
        spikes.value,
        spikes.unit,
        spikes.previous_year,
        spikes.previous_value,
        spikes.next_year,
        spikes.next_value,
        spikes.ratio,
        spikes.quarantined_beyond,
        spikes.verdict,
        spikes.source,
        spikes.scope,
        spikes.city_raw,
        spikes.cell_text,
        spikes.file,
        spikes.sheet,
        spikes."row",
        spikes."column"
    from spikes
    left join cities on spikes.adcode = cities.adcode
    order by spikes.verdict desc, spikes.series, spikes.adcode, spikes.part_adcode, spikes.year, spikes.source

)

select * from final
