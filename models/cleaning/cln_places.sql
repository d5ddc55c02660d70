with yearbook_cells as (

    select * from {{ ref('stg_yearbook_cells') }}

),

supplementary_values as (

    select * from {{ ref('stg_supplementary_values') }}

),

place_names as (

    select * from {{ ref('cln_place_names') }}

),

given_places as (

    select distinct
        data_year,
        'yearbook' as source,
        city_raw as place_raw
    from yearbook_cells

    union all

    select distinct
        year as data_year,
        'supplementary' as source,
        place_raw
    from supplementary_values

),

printed_places as (

    select
        *,
        -- 巿 (U+5DFF) is never meant: it stands for 市 in scanned tables.
        replace(
            regexp_replace(nfc_normalize(place_raw), '[\s\p{Z}\x{200b}-\x{200d}\x{2060}\x{feff}]+', '', 'g'), '巿', '市'
        ) as place
    from given_places

),

-- An unknown name stays, so that its cells can be quarantined.
final as (

    select
        printed_places.data_year,
        printed_places.source,
        printed_places.place_raw,
        coalesce(place_names.kind, 'unknown') as kind,
        place_names.adcode,
        place_names.part_adcode
    from printed_places
    left join place_names
        on
            printed_places.place = place_names.place
            and printed_places.source = coalesce(place_names.source, printed_places.source)
            and printed_places.data_year between coalesce(place_names.valid_from, 0) and coalesce(place_names.valid_to, 9999)
    qualify row_number() over (
        partition by printed_places.data_year, printed_places.source, printed_places.place_raw
        order by
            -- The yearbook prints cities: 玉溪 is the county-level city as long as the prefecture around it is none.
            printed_places.source = 'yearbook' and place_names.kind = 'ambiguous',
            place_names.priority
    ) = 1

)

select * from final
