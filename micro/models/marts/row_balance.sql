-- What became of every row that was read: one row per extract and status. The rows of an extract sum to the rows of its files.
with firms as (

    select
        status,
        count(*) as n_rows
    from {{ ref('int_firms') }}
    group by status

),

patents as (

    select * from {{ ref('int_patents') }}

),

patent_cities as (

    select * from {{ ref('int_patent_cities') }}

),

patent_status as (

    select case when patents.status = 'kept' then patent_cities.status else patents.status end as status
    from patents
    left join patent_cities on patents.application_number = patent_cities.application_number

),

final as (

    select
        'firms' as extract,
        status,
        n_rows
    from firms
    union all
    select
        'patents' as extract,
        coalesce(status, 'lost') as status,
        count(*) as n_rows
    from patent_status
    group by coalesce(status, 'lost')

)

select * from final
