-- One row per industry code of the extract and classification that holds it, or a code above it.
with firms as (

    select distinct industry from {{ ref('int_firms') }}

),

codes as (

    select * from {{ ref('stg_classification_codes') }}

),

final as (

    {%- for length in range(2, 5) %}
    select
        firms.industry,
        codes.classification
    from firms
    inner join codes on substr(firms.industry, 1, {{ length }}) = codes.first_key
    where codes.scheme = 'gbt4754_2017' and length(codes.first_key) = {{ length }}
    {{ '' if loop.last else 'union' }}
    {%- endfor %}

)

select * from final
