with audit as (

    select * from {{ ref('published_consistency_audit') }}

),

columns_of_tables as (

    select
        table_no,
        panel,
        unnest(string_split(column_no, ', '))::bigint as column_no,
        null::varchar as sobel_test
    from audit
    where is_slip and column_no is not null and rule not like 'sobel%'

),

-- A Sobel test that contradicts itself is a slip of its own and leaves the regressions as they are.
sobel_tests as (

    select
        table_no,
        null::varchar as panel,
        null::bigint as column_no,
        subject as sobel_test
    from audit
    where is_slip and rule like 'sobel%'

),

final as (

    select * from columns_of_tables
    union
    select * from sobel_tests
    order by table_no, panel, column_no, sobel_test

)

select * from final
