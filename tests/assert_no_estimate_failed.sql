-- 'failed' means that something broke, unlike 'not_identified', which is a finding about the data.
with estimates as (

    select spec_id, term, status, message from {{ ref('coefficient_comparison') }}
    union all
    select spec_id, treatment, status, message from {{ ref('heterogeneity_robust_effects') }}

)

select
    spec_id,
    term,
    message
from estimates
where status = 'failed'
