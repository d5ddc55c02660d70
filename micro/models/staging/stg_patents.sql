-- One row per row of the extract of patents: names and types. Lists have semicolons.
with patents as (

    select * from {{ source('inputs', 'input_patents') }}

),

final as (

    select
        upper({{ cleaned('application_number') }}) as application_number,
        {{ day_of(cleaned('recorded')) }} as recorded_day,
        {{ year_of(cleaned('grant_date' if var('patent_year') == 'grant' else 'application_date')) }} as patent_year,
        patent_type,
        {{ cleaned('province') }} as province,
        {{ cleaned('city') }} as city,
        translate({{ cleaned('addresses') }}, '；|', ';;') as addresses,
        translate(upper({{ cleaned('classes') }}), '；|,，、', ';;;;;') as classes
    from patents

)

select * from final
