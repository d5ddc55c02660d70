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

{%- if var('regressors') %}

panel as (

    select count(*) as n_rows from {{ source('inputs', 'input_panel') }}

),

complete_panel as (

    select count(*) as n_rows from {{ ref('stg_panel') }}

),
{%- endif %}

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
    {%- if var('regressors') %}
    union all
    select
        'panel' as extract,
        'used' as status,
        n_rows
    from complete_panel
    union all
    select
        'panel' as extract,
        'dropped: a value is missing' as status,
        panel.n_rows - complete_panel.n_rows as n_rows
    from panel
    cross join complete_panel
    {%- endif %}

)

select * from final
