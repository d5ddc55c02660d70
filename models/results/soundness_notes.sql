with topics as (

    select * from {{ ref('soundness_topics') }}

),

evidence as (

    select * from {{ ref('soundness_evidence') }}

),

final as (

    select
        topics.result,
        topics.topic,
        topics.note,
        coalesce(evidence.evidence, 'Not computed from this input.') as evidence,
        topics.what_to_read_instead,
        {% if var('source') == 'demo' -%}
        'simulated demo yearbook' as data_source
        {%- else -%}
        'yearbooks and supplementary sources of this build' as data_source
        {%- endif %}
    from topics
    left join evidence on topics.result = evidence.result
    where topics.layer = 'results'
    order by topics.result

)

select * from final
