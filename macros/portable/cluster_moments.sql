{#-
The cross products by cluster of a panel with unit and period effects: a query that gives all that
city_policy.estimation.large_panels.database_cross_products.read_moments needs for estimates, clustered errors and
resampling, whatever the number of rows. One text for DuckDB, Spark and PostgreSQL.

relation: a table, view, common table expression or read_parquet(...); unit: whose effects are swept out; cluster: the
unit itself or something coarser that a unit never leaves, such as its city; period: whole numbers, spanning less than
64; outcome, regressors: numbers, treatment and controls alike. All but the first may be expressions, by whose text
the result names them. The relation holds a unit once in a period and no missing value: filter it before.

Units with one row are left out, since their effect absorbs them. Unit effects are swept out exactly: every value less
the unit's mean over the rows it has. One row per cluster, part and pair of terms:

| part | first_term, second_term | value |
|---|---|---|
| units | null, null | units |
| rows | null, period | rows |
| between | null, column | sum over units of rows x mean squared |
| periods | period, period | cross product of two period dummies, less the units' means |
| period | period, column | sum of the swept column over the rows of the period |
| columns | column, column | cross product of two swept columns |

An engine computes no column that nothing reads. So every refusal stands where the result cannot do without it: what is
wrong with a unit in the cluster that every row has, what is wrong with the relation in the condition of the last step.
-#}
{% macro cluster_moments(relation, unit, cluster, period, outcome, regressors) -%}
{%- set columns = [outcome] + regressors -%}
{%- set n = columns | length -%}
{%- set text = text_type() -%}
{%- set double = double_type() -%}
{%- set incomplete = raise_error("'A row has no unit, cluster or period; expected complete rows only.'") -%}
{%- set too_long = raise_error("'The periods span more than 63; cluster_moments keeps the periods of a unit as bits.'") -%}
{%- set unit_text = "'Unit ' || cast(unit_means.unit as " ~ text ~ ") || '" -%}
{%- set moved = raise_error(unit_text ~ " is in more than one cluster; expected one, so that errors can be clustered.'") -%}
{%- set repeated = raise_error(unit_text ~ " has two rows in one period; expected one.'") -%}
{%- set not_finite = raise_error(
    "'The cross products of ' || summed.second_term || ' in cluster ' || summed.cluster "
    ~ "|| ' are not finite: the panel holds missing or infinite values; leave those rows out before.'"
) -%}
with selected as {{ computed_once(false) }} (

    select
        {{ unit }} as unit,
        {{ cluster }} as cluster,
        {{ period }} as period
        {%- for column in columns %},
        -- Not a number travels to the result and is refused there; null would be passed over by the sums.
        coalesce(cast({{ column }} as {{ double }}), cast('nan' as {{ double }})) as c{{ loop.index0 }}
        {%- endfor %}
    from {{ relation }}

),

bounds as (

    select
        min(period) as first_period,
        max(period) - min(period) as span,
        count(*) filter (where unit is null or cluster is null or period is null) as n_incomplete
    from selected

),

unit_means as {{ computed_once(true) }} (

    select
        selected.unit,
        min(selected.cluster) as cluster,
        max(selected.cluster) as last_cluster,
        count(*) as n_rows,
        bit_or({{ bit_at('least(selected.period - bounds.first_period, 62)') }}) as periods
        {%- for column in columns %},
        avg(selected.c{{ loop.index0 }}) as c{{ loop.index0 }}
        {%- endfor %}
    from selected
    cross join bounds
    group by selected.unit

),

units as (

    select
        unit_means.unit,
        case
            when bounds.n_incomplete > 0 then cast({{ incomplete }} as {{ text }})
            when bounds.span > 62 then cast({{ too_long }} as {{ text }})
            when unit_means.cluster != unit_means.last_cluster then cast({{ moved }} as {{ text }})
            when {{ bits_set('unit_means.periods') }} != unit_means.n_rows then cast({{ repeated }} as {{ text }})
            else cast(unit_means.cluster as {{ text }})
        end as cluster,
        unit_means.n_rows,
        unit_means.periods
        {%- for column in columns %},
        unit_means.c{{ loop.index0 }}
        {%- endfor %}
    from unit_means
    cross join bounds
    where unit_means.n_rows > 1

),

swept as (

    select
        units.cluster,
        selected.period
        {%- for column in columns %},
        selected.c{{ loop.index0 }} - units.c{{ loop.index0 }} as c{{ loop.index0 }}
        {%- endfor %}
    from selected
    inner join units on selected.unit = units.unit

),

period_sums as (

    select
        cluster,
        period,
        count(*) as n_rows
        {%- for column in columns %},
        sum(c{{ loop.index0 }}) as c{{ loop.index0 }}
        {%- endfor %}
        {%- for i in range(n) %}{% for j in range(i, n) %},
        sum(c{{ i }} * c{{ j }}) as c{{ i }}_{{ j }}
        {%- endfor %}{% endfor %}
    from swept
    group by cluster, period

),

-- What a cluster and period has more than one value of, one row each; a null stands for the period itself.
period_terms as (

    select *
    from (
        values
        (0, 'rows', cast(null as {{ text }}), cast(null as {{ text }}))
        {%- for column in columns %},
        ({{ loop.index }}, 'period', null, '{{ column | replace("'", "''") }}')
        {%- endfor %}
        {%- for i in range(n) %}{% for j in range(i, n) %},
        ({{ (i + 1) * n + j + 1 }}, 'columns', '{{ columns[i] | replace("'", "''") }}', '{{ columns[j] | replace("'", "''") }}')
        {%- endfor %}{% endfor %}
    ) as terms (position, part, first_column, second_column)

),

period_parts as (

    select
        period_sums.cluster,
        period_terms.part,
        case
            when period_terms.part = 'period' then cast(period_sums.period as {{ text }})
            else period_terms.first_column
        end as first_term,
        coalesce(period_terms.second_column, cast(period_sums.period as {{ text }})) as second_term,
        case period_terms.position
            when 0 then cast(period_sums.n_rows as {{ double }})
            {%- for column in columns %}
            when {{ loop.index }} then period_sums.c{{ loop.index0 }}
            {%- endfor %}
            {%- for i in range(n) %}{% for j in range(i, n) %}
            when {{ (i + 1) * n + j + 1 }} then period_sums.c{{ i }}_{{ j }}
            {%- endfor %}{% endfor %}
        end as value
    from period_sums
    cross join period_terms

),

-- Units of a cluster that are seen in the same periods are alike to the period dummies.
patterns as {{ computed_once(true) }} (

    select
        cluster,
        periods,
        n_rows,
        cast(count(*) as {{ double }}) as n_units
        {%- for column in columns %},
        sum(n_rows * c{{ loop.index0 }} * c{{ loop.index0 }}) as c{{ loop.index0 }}
        {%- endfor %}
    from units
    group by cluster, periods, n_rows

),

pattern_terms as (

    select *
    from (
        values
        (0, 'units', cast(null as {{ text }}))
        {%- for column in columns %},
        ({{ loop.index }}, 'between', '{{ column | replace("'", "''") }}')
        {%- endfor %}
    ) as terms (position, part, second_term)

),

pattern_parts as (

    select
        patterns.cluster,
        pattern_terms.part,
        cast(null as {{ text }}) as first_term,
        pattern_terms.second_term,
        case pattern_terms.position
            when 0 then patterns.n_units
            {%- for column in columns %}
            when {{ loop.index }} then patterns.c{{ loop.index0 }}
            {%- endfor %}
        end as value
    from patterns
    cross join pattern_terms

),

bits as (

    select *
    from (values {% for bit in range(63) %}({{ bit }}){{ '' if loop.last else ', ' }}{% endfor %}) as numbers (bit)

),

period_pairs as (

    select
        first_bits.bit as first_bit,
        second_bits.bit as second_bit,
        {{ bit_at('first_bits.bit') }} | {{ bit_at('second_bits.bit') }} as both_bits,
        cast(bounds.first_period + first_bits.bit as {{ text }}) as first_term,
        cast(bounds.first_period + second_bits.bit as {{ text }}) as second_term
    from bounds
    inner join bits as first_bits on first_bits.bit <= bounds.span
    inner join bits as second_bits on second_bits.bit <= bounds.span and first_bits.bit <= second_bits.bit

),

pair_parts as (

    select
        patterns.cluster,
        'periods' as part,
        period_pairs.first_term,
        period_pairs.second_term,
        patterns.n_units
        * (case when period_pairs.first_bit = period_pairs.second_bit then 1 else 0 end - cast(1 as {{ double }}) / patterns.n_rows) as value
    from patterns
    inner join period_pairs on (patterns.periods & period_pairs.both_bits) = period_pairs.both_bits

),

unioned as (

    select * from period_parts
    union all
    select * from pattern_parts
    union all
    select * from pair_parts

),

summed as (

    select
        cluster,
        part,
        first_term,
        second_term,
        sum(value) as value
    from unioned
    group by cluster, part, first_term, second_term

),

final as (

    select
        summed.cluster,
        summed.part,
        summed.first_term,
        summed.second_term,
        summed.value
    from bounds
    -- The one row of bounds stays without any cross product, so that a relation of incomplete rows is refused too.
    left join summed on bounds.n_incomplete >= 0
    where
        case
            when bounds.n_incomplete > 0 then {{ incomplete }}
            when bounds.span > 62 then {{ too_long }}
            when summed.part is null then 0
            -- Not a number less itself is none, and so is infinity. Every value of a column is in this part.
            when summed.part = 'between' and not summed.value - summed.value = 0 then {{ not_finite }}
            else 1
        end = 1

)

select * from final
{%- endmacro %}
