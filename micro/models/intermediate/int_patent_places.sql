-- One row per kept patent and address that counts, with its answer.
with patents as (

    select
        *,
        coalesce(province, '') || coalesce(city, '') as cell_text,
        {% if var('applicants') == 'first' -%}
        {{ dbt.split_part('addresses', "';'", 1) }} as counted_addresses
        {%- else -%}
        coalesce(addresses, '') as counted_addresses
        {%- endif %}
    from {{ ref('int_patents') }}
    where status = 'kept'

),

place_names as (

    select * from {{ ref('int_place_names') }}

),

addresses as (

    select
        application_number,
        patent_year,
        {% if var('applicants') == 'first' -%}
        cell_text,
        counted_addresses as address
        {%- else -%}
        -- The columns of province and city are those of the first applicant alone.
        '' as cell_text,
        {{ each_part('counted_addresses') }} as address
        {%- endif %}
    from patents
    {%- if var('applicants') == 'all' %}
    union all
    select
        application_number,
        patent_year,
        cell_text,
        cast(null as {{ text_type() }}) as address
    from patents
    where cell_text != ''
    {%- endif %}

),

answered as (

    select
        addresses.application_number,
        substr(case when addresses.cell_text != '' then addresses.cell_text else addresses.address end, 1, 8) as place_text,
        cells.cell_answer,
        {{ place_answer() }} as address_answer
    from addresses
    left join place_names as cells on addresses.cell_text = cells.name and addresses.patent_year = cells.year
    {{- place_joins('addresses', 'address', 'addresses.patent_year') | indent(4) }}

),

final as (

    select
        application_number,
        place_text,
        {{ agreed_place('cell_answer', 'address_answer') }} as place
    from answered

)

select * from final
