with notes as (

    select * from {{ ref('stg_reader_notes') }}

),

final as (

    select * from notes
    order by kind, file, sheet, "row", "column", message

)

select * from final
