with topics as (

    select * from {{ ref('soundness_topics') }}

),

general_topics as (

    select * from {{ ref('general_topics') }}

),

evidence as (

    select * from {{ ref('soundness_evidence') }}

),

-- The notes of the study, and the general ones on what else it asks.
told as (

    select * from topics
    where layer = 'results'

    union all by name

    select general_topics.*
    from general_topics
    inner join evidence on general_topics.result = evidence.result
    where general_topics.result not in (select topics.result from topics) and evidence.evidence is not null

),

final as (

    select
        told.result,
        told.topic,
        told.note,
        coalesce(evidence.evidence, 'Not computed from this input.') as evidence,
        told.what_to_read_instead,
        {% if var('source') == 'demo' -%}
        'simulated demo yearbook' as data_source
        {%- elif var('source') == 'panel' -%}
        'the panel of the study' as data_source
        {%- else -%}
        'yearbooks and supplementary sources of this build' as data_source
        {%- endif %}
    from told
    left join evidence on told.result = evidence.result
    order by told.result

)

select * from final
