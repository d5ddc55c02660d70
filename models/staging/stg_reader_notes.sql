with notes as (

{% if var('source') == 'landing' %}
    select * from {{ source('landing', 'reader_notes') }}
{% else %}
    -- The demo seeds are read by dbt itself.
    select
        null as kind,
        null as data_year,
        null as file,
        null as sheet,
        null as "row",
        null as "column",
        null as text,
        null as message
    where false
{% endif %}

),

final as (

    select
        kind::varchar as kind,
        nullif(data_year::integer, 0) as data_year,
        file::varchar as file,
        sheet::varchar as sheet,
        nullif("row"::integer, 0) as "row",
        nullif("column"::integer, 0) as "column",
        text::varchar as text,
        message::varchar as message
    from notes

)

select * from final
