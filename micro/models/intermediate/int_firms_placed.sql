-- One row per row of the extract of firms, with the answer of its columns and of its address. Only what is counted is kept.
with firms as (

    select
        *,
        coalesce(province, '') || coalesce(city, '') as cell_text
    from {{ ref('stg_firms') }}

),

place_names as (

    select * from {{ ref('int_place_names') }}

),

answered as (

    select
        firms.credit_code,
        firms.recorded_day,
        firms.founded_year,
        firms.closed_text,
        firms.closed_year,
        firms.industry,
        {%- if var('keywords', false) %}
        firms.business_scope,
        {%- endif %}
        substr(case when firms.cell_text != '' then firms.cell_text else firms.address end, 1, 8) as place_text,
        cells.cell_answer,
        {{ place_answer() }} as address_answer
    from firms
    left join place_names as cells
        on firms.cell_text = cells.name
        and cells.year = {{ place_years() | last if not var('address_year') else var('address_year') }}
    {{- place_joins('firms', 'address', var('address_year') or var('last_year')) | indent(4) }}

),

final as (

    select
        credit_code,
        recorded_day,
        founded_year,
        closed_text,
        closed_year,
        industry,
        {%- if var('keywords', false) %}
        business_scope,
        {%- endif %}
        place_text,
        {{ agreed_place('cell_answer', 'address_answer') }} as place
    from answered

)

select * from final
