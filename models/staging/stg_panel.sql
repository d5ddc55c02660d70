with panel as (

{% if var('source') == 'panel' %}
    select * from {{ source('study', 'panel') }}
{% else %}
    -- A study on a yearbook has no panel of its own.
    select
        null::varchar as adcode,
        null::integer as "year",
        null::bigint as panel_row
    where false
{% endif %}

),

final as (

    select * from panel

)

select * from final
