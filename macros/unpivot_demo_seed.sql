{#-
    One row per cell of a demo seed, in the shape of the landing contract. A demo seed has the columns 年份 and 城市 and then
    printed headers label(unit)|scope; a header without a scope takes the scope that the title prints. The first row of
    data is row 2 of the file. A header that prints nothing in a year is not printed in that year.
-#}
{% macro unpivot_demo_seed(seed, table_title, title_scope='') -%}
    select
        cells.年份::integer as data_year,
        cells.年份::integer + 1 as edition,
        'prefecture' as level,
        'table' as form,
        '{{ table_title }}' as table_title,
        regexp_replace(cells.label, '\(([^()]*)\)$', '') as header,
        regexp_extract(cells.label, '\(([^()]*)\)$', 1) as unit,
        case
            when cells.printed_header like '%|全市' then 'city'
            when cells.printed_header like '%|市辖区' then 'districts'
            else '{{ title_scope }}'
        end as scope,
        cells.城市 as city_raw,
        coalesce(cells.cell_text, '') as cell_text,
        'seeds/yearbook/{{ seed }}.csv' as file,
        '' as sheet,
        cells.file_row::integer as "row",
        list_position(printed_headers.headers, cells.printed_header)::integer + 2 as "column"
    from (
        select
            *,
            regexp_replace(printed_header, '\|(全市|市辖区)$', '') as label
        from (select row_number() over () + 1 as file_row, * from {{ ref(seed) }})
        unpivot include nulls (
            cell_text for printed_header in (columns(* exclude (file_row, 年份, 城市)))
        )
    ) as cells
    cross join (
        select json_keys(to_json(seed_row)) as headers
        from (select * exclude (年份, 城市) from {{ ref(seed) }} limit 1) as seed_row
    ) as printed_headers
    qualify count(cells.cell_text) over (partition by cells.年份, cells.printed_header) > 0
{%- endmacro %}
