-- In linear models on the same rows the total effect is the direct effect plus the indirect one.
with effects as (

    select * from {{ ref('mediation_effects') }}

)

select
    spec_id,
    vcov,
    total_effect - direct_effect - indirect_effect as gap
from effects
where status = 'ok' and abs(total_effect - direct_effect - indirect_effect) > 1e-12
