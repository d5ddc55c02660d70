-- One row per row of the extract of firms, with what became of it. Of the rows of one credit code that row stays which has a
-- year of foundation; of those the one recorded last; of those the first by years, place and industry.
with firms as (

    select * from {{ ref('int_firms_placed') }}

),

frame as (

    select distinct adcode from {{ source('inputs', 'input_frame') }}

),

ranked as (

    select
        *,
        row_number() over (
            partition by credit_code
            order by
                case when founded_year is null then 1 else 0 end,
                coalesce(recorded_day, 0) desc,
                founded_year,
                coalesce(closed_year, 9999),
                place,
                coalesce(industry, '')
                {%- if var('keywords', false) %},
                coalesce(business_scope, '')
                {%- endif %}
        ) as position
    from firms
    where credit_code is not null
    union all
    select
        *,
        1 as position
    from firms
    where credit_code is null

),

final as (

    select
        ranked.credit_code,
        ranked.founded_year,
        ranked.closed_year,
        ranked.industry,
        {%- if var('keywords', false) %}
        ranked.business_scope,
        {%- endif %}
        ranked.place as adcode,
        case when ranked.place in ('ambiguous', 'unknown') then ranked.place_text end as unplaced_text,
        case
            when ranked.credit_code is null then 'dropped: no credit code'
            when ranked.position > 1 then 'duplicate'
            when ranked.founded_year is null then 'dropped: no year of foundation'
            when ranked.closed_text is not null and ranked.closed_year is null then 'dropped: the date of closing has no year'
            when ranked.closed_year < ranked.founded_year then 'dropped: closed before it was founded'
            when ranked.founded_year > {{ var('last_year') }} then 'dropped: founded after the last year'
            {%- if var('firm_count') == 'existing' %}
            when ranked.closed_year < {{ var('first_year') }} then 'dropped: closed before the first year'
            {%- else %}
            when ranked.founded_year < {{ var('first_year') }} then 'dropped: founded before the first year'
            {%- endif %}
            when ranked.place in ('ambiguous', 'unknown') then ranked.place
            when frame.adcode is null then 'dropped: its city is not in the frame'
            else 'placed'
        end as status
    from ranked
    left join frame on ranked.place = frame.adcode

)

select * from final
