-- One row per kept patent: how many of its places are cities, and whether one of these is in the frame.
with places as (

    select * from {{ ref('int_patent_places') }}

),

frame as (

    select distinct adcode from {{ source('inputs', 'input_frame') }}

),

final as (

    select
        places.application_number,
        case
            when count(frame.adcode) > 0 then 'placed'
            when sum(case when places.place not in ('ambiguous', 'unknown') then 1 else 0 end) > 0
                then 'dropped: its city is not in the frame'
            when sum(case when places.place = 'ambiguous' then 1 else 0 end) > 0 then 'ambiguous'
            else 'unknown'
        end as status
    from places
    left join frame on places.place = frame.adcode
    group by places.application_number

)

select * from final
