-- Every printed or corrected value of the mart can be traced to a file and a row, and in a yearbook
-- also to a column; no other value can.
with inputs as (

    select * from {{ ref('fct_city_year_input') }}

)

select
    adcode,
    year,
    series
from inputs
where
    (value_status in ('printed', 'corrected'))
    != (file_and_sheet is not null and cell_row is not null and cell_text is not null)
    or (value_status in ('printed', 'corrected') and source = 'yearbook' and cell_column is null)
