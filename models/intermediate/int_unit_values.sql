with cells as (

    select * from {{ ref('int_plausible_cells') }}

),

-- One cell per unit as printed: a value before a blank, the yearbook before a supplementary source.
final as (

    select
        *,
        case when is_plausible then value end as plausible_value
    from cells
    qualify row_number() over (
        partition by part_adcode, series, data_year
        order by
            (is_plausible and value is not null) desc,
            source = 'yearbook' desc,
            file, sheet, "row", "column"
    ) = 1
    order by series, part_adcode, data_year

)

select * from final
