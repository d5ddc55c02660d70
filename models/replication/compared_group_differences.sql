with published as (

    select * from {{ ref('published_estimates') }}

),

group_differences as (

    select * from {{ ref('group_differences') }}

),

-- The published P value stands in the note of both groups' rows.
published_differences as (

    select
        table_no,
        panel,
        treatment,
        max(try_cast(split_part(note, '=', 2) as double)) as published_value
    from published
    where note like 'group_difference_p=%'
    group by table_no, panel, treatment

),

-- Agreement is the same verdict at 5 percent.
final as (

    select
        'group difference' as kind,
        published_differences.table_no,
        published_differences.panel,
        published_differences.treatment as subject,
        published_differences.published_value,
        group_differences.permutation_p_value as our_value,
        (our_value < 0.05) = (published_value < 0.05) as agrees
    from published_differences
    left join group_differences
        on
            published_differences.table_no = group_differences.paper_table
            and published_differences.panel = group_differences.panel
            and published_differences.treatment = group_differences.treatment
    order by published_differences.table_no, published_differences.panel, published_differences.treatment

)

select * from final
