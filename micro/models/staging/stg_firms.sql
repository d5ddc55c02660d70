-- One row per row of the extract of firms: names and types.
with firms as (

    select * from {{ source('inputs', 'input_firms') }}

),

final as (

    select
        upper({{ cleaned('credit_code') }}) as credit_code,
        {{ day_of(cleaned('recorded')) }} as recorded_day,
        {{ year_of(cleaned('founded')) }} as founded_year,
        {{ cleaned('closed') }} as closed_text,
        {{ year_of(cleaned('closed')) }} as closed_year,
        {{ cleaned('province') }} as province,
        {{ cleaned('city') }} as city,
        {{ cleaned('address') }} as address,
        {{ cleaned('industry') }} as industry_text,
        nullif(regexp_extract(upper({{ cleaned('industry') }}), '^[A-T]?([0-9][0-9]+)', 1), '') as industry,
        {{ cleaned('business_scope') }} as business_scope
    from firms

)

select * from final
