-- A kept patent without a row in int_patent_cities would be missing from counts and balance alike.
select *
from {{ ref('row_balance') }}
where status = 'lost'
