-- 'failed' means that something broke, unlike 'not_identified', which is a finding about the data.
with comparison as (

    select * from {{ ref('coefficient_comparison') }}

)

select
    spec_id,
    term,
    message
from comparison
where status = 'failed'
