-- One row per class symbol of the extract and classification that holds it.
with patents as (

    select * from {{ ref('int_patents') }}

),

codes as (

    select * from {{ ref('stg_classification_codes') }}

),

symbols as (

    select distinct {{ each_part('classes') }} as symbol from patents

),

keyed as (

    select
        symbol,
        {{ ipc_sort_key('symbol') }} as sort_key
    from symbols

),

final as (

    select distinct
        keyed.symbol,
        codes.classification
    from keyed
    inner join codes
        on substr(keyed.sort_key, 1, 3) = substr(codes.first_key, 1, 3)
        and keyed.sort_key >= codes.first_key
        and keyed.sort_key <= codes.last_key
    where codes.scheme = 'ipc'

)

select * from final
