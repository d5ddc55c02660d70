{#- Without supplementary files there is no Parquet file: the relation is then empty. -#}
{%- set is_landed = false -%}
{%- if var('source') == 'landing' and execute -%}
    {%- set found = run_query(
        "select count(*) from glob('" ~ landing_directory() ~ "/supplementary_values.parquet')"
    ) -%}
    {%- set is_landed = found.columns[0].values()[0] > 0 -%}
{%- endif -%}

with supplementary_values as (

{% if var('source') == 'landing' and is_landed %}
    select * from {{ source('landing', 'supplementary_values') }}
{% elif var('source') in ('landing', 'panel') %}
    select
        null as indicator,
        null as place_raw,
        null as year,
        null as value_text,
        null as unit,
        null as source,
        null as file,
        null as "row"
    where false
{% else %}
    select
        indicator,
        adcode as place_raw,
        year,
        value as value_text,
        unit,
        source,
        'seeds/yearbook/demo_supplementary.csv' as file,
        row_number() over () + 1 as "row"
    from {{ ref('demo_supplementary') }}
{% endif %}

),

final as (

    select
        indicator::varchar as series,
        place_raw::varchar as place_raw,
        year::integer as year,
        value_text::varchar as value_text,
        unit::varchar as unit,
        source::varchar as source,
        file::varchar as file,
        "row"::integer as "row"
    from supplementary_values

)

select * from final
