-- Texts in the columns of industry codes and class symbols that are none, the most frequent first, with all codes beside them.
with firms as (

    select
        'firms' as extract,
        industry_text as code_text,
        industry as code
    from {{ ref('stg_firms') }}
    where industry_text is not null

),

symbols as (

    select {{ each_part('classes') }} as symbol from {{ ref('stg_patents') }}

),

patents as (

    select
        'patents' as extract,
        symbol as code_text,
        {{ ipc_sort_key('symbol') }} as code
    from symbols
    where symbol != ''

),

unioned as (

    select * from firms
    union all
    select * from patents

),

counted as (

    select
        extract,
        code_text,
        case when code is null then 1 else 0 end as is_unread,
        count(*) as n_rows
    from unioned
    group by extract, code_text, case when code is null then 1 else 0 end

),

ranked as (

    select
        *,
        row_number() over (partition by extract order by is_unread desc, n_rows desc, code_text) as position,
        sum(n_rows * is_unread) over (partition by extract) as n_unread,
        sum(n_rows) over (partition by extract) as n_codes
    from counted

),

final as (

    select
        extract,
        position,
        code_text,
        n_rows,
        cast(n_unread as bigint) as n_unread,
        cast(n_codes as bigint) as n_codes
    from ranked
    where is_unread = 1 and position <= 200

)

select * from final
