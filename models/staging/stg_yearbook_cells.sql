{%- set demo_seeds = [
    ('demo_population', '人口状况', 'city'),
    ('demo_gdp', '地区生产总值', 'city'),
    ('demo_fiscal', '地方财政收支状况', 'city'),
    ('demo_employment', '按行业分组的城镇单位从业人员', 'city'),
    ('demo_education', '在校学生数', 'city'),
    ('demo_telecom', '电话、互联网用户数及电信业务量', 'city'),
    ('demo_land', '行政区域土地面积及绿化', 'city'),
    ('demo_environment', '工业三废排放', 'city'),
    ('demo_investment', '固定资产投资和利用外资情况', 'city'),
    ('demo_technology', '数字技术和企业', 'city'),
    ('demo_government', '政府工作报告和搜索', 'city'),
] -%}

with cells as (

{% if var('source') == 'landing' %}
    select * from {{ source('landing', 'yearbook_cells') }}
{% elif var('source') == 'panel' %}
    -- A study with a panel of its own reads no yearbook.
    select
        {% for column in [
            'data_year', 'edition', 'level', 'form', 'table_title', 'header', 'unit', 'scope', 'city_raw', 'cell_text',
            'file', 'sheet', '"row"'
        ] -%}
        null as {{ column }},
        {% endfor -%}
        null as "column"
    where false
{% else %}
    {%- for seed, table_title, title_scope in demo_seeds %}
    (
    {{ unpivot_demo_seed(seed, table_title, title_scope) }}
    )
    {% if not loop.last %}
    union all
    {% endif %}
    {%- endfor %}
{% endif %}

),

final as (

    select
        data_year::integer as data_year,
        edition::integer as edition,
        level::varchar as level,
        form::varchar as form,
        table_title::varchar as table_title,
        header::varchar as header,
        unit::varchar as unit,
        scope::varchar as scope,
        city_raw::varchar as city_raw,
        cell_text::varchar as cell_text,
        file::varchar as file,
        sheet::varchar as sheet,
        "row"::integer as "row",
        "column"::integer as "column"
    from cells

)

select * from final
