-- A firm that closes before it is counted would take away another one.
select *
from {{ ref('city_counts') }}
where value < 0
