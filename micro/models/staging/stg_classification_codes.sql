-- One row per code of a classification that an indicator uses. A code or a range is a first and a last sort key.
with codes as (

    select * from {{ source('inputs', 'input_classification_codes') }}

),

classifications as (

    select * from {{ source('inputs', 'input_classifications') }}

),

keyed as (

    select
        codes.classification,
        classifications.scheme,
        codes.first_code,
        case when classifications.scheme = 'ipc' then {{ ipc_sort_key(cleaned('codes.first_code')) }} else codes.first_code end as first_key,
        case
            when classifications.scheme = 'ipc' then {{ ipc_sort_key(cleaned('coalesce(codes.last_code, codes.first_code)')) }}
            else codes.first_code
        end as last_key
    from codes
    inner join classifications on codes.classification = classifications.classification

),

final as (

    select
        classification,
        scheme,
        first_code,
        first_key,
        -- A tilde sorts after all that a symbol holds, so that a class and a main group take in what is below them.
        case
            when scheme = 'ipc' and last_key not like '%/%' then last_key || '~'
            {%- if var('ipc_main_groups') == 'whole' %}
            when scheme = 'ipc' and last_key like '%/00' then substr(last_key, 1, length(last_key) - 2) || '~'
            {%- endif %}
            else last_key
        end as last_key
    from keyed

)

select * from final
