with sample_counts as (

    select * from {{ ref('sample_count_check') }}

),

final as (

    select
        'sample count' as kind,
        null::varchar as table_no,
        basis as panel,
        count as subject,
        published_value,
        value_in_this_build as our_value,
        our_value = published_value as agrees
    from sample_counts
    order by count

)

select * from final
