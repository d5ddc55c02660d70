with unit_values as (

    select * from {{ ref('int_unit_values') }}

),

series as (

    select * from {{ ref('series') }}

),

parts as (

    select
        unit_values.*,
        series.additive,
        count(*) over (
            partition by unit_values.adcode, unit_values.series, unit_values.data_year
        ) as n_parts
    from unit_values
    inner join series on unit_values.series = series.series

),

whole_units as (

    select
        adcode,
        data_year as year,
        series,
        plausible_value as value,
        cell_status as value_status,
        n_parts,
        source,
        edition,
        concat_ws('#', file, nullif(sheet, '')) as file_and_sheet,
        "row"::varchar as cell_row,
        "column"::varchar as cell_column,
        cell_text
    from parts
    -- A part alone, without its successor, says nothing about the successor.
    where n_parts = 1 and adcode = part_adcode

),

-- A unit that was merged later is added to its successor, so that boundaries are constant over the years. Where
-- one part is missing the sum is missing; what cannot be added is taken from the successor alone.
merged_units as (

    select
        adcode,
        data_year as year,
        series,
        case
            when additive and count(*) = count(plausible_value) then sum(plausible_value order by part_adcode)
            when not additive then max(plausible_value) filter (part_adcode = adcode)
        end as value,
        if(bool_or(cell_status = 'corrected'), 'corrected', 'printed') as value_status,
        any_value(n_parts) as n_parts,
        max(source) filter (part_adcode = adcode) as source,
        max(edition) filter (part_adcode = adcode) as edition,
        {% for column, name in [
            ("concat_ws('#', file, nullif(sheet, ''))", 'file_and_sheet'),
            ('"row"::varchar', 'cell_row'),
            ('"column"::varchar', 'cell_column'),
            ('cell_text', 'cell_text'),
        ] -%}
        string_agg({{ column }}, ' + ' order by part_adcode != adcode, part_adcode) as {{ name }}{{ ',' if not loop.last }}
        {% endfor %}
    from parts
    where n_parts > 1
    group by adcode, data_year, series, additive
    having bool_or(part_adcode = adcode)

),

unioned as (

    select * from whole_units
    union all
    select * from merged_units

),

final as (

    select * from unioned
    where value is not null
    order by series, adcode, year

)

select * from final
