with pilot_units as (

    select * from {{ ref('list_units') }}

),

final as (

    select
        policy_id,
        list_id,
        batch,
        start_year,
        listed_name,
        unit_type,
        adcode,
        mapping_rule,
        included = 1 as is_included,
        cluster_name,
        confidence,
        basis,
        source,
        note
    from pilot_units

)

select * from final
