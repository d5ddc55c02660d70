with pilot_units as (

    select * from {{ ref('pilot_units') }}

),

final as (

    select
        policy_id,
        unit,
        adcode,
        start_year,
        batch,
        confidence,
        source
    from pilot_units

)

select * from final
