{#-
The cross products by cluster of a panel with unit and period effects: a query that gives all that
city_policy.estimation.large_panels.database_moments.read_moments needs for estimates, clustered errors and resampling, whatever the
number of rows.

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
-#}
{% macro cluster_moments(relation, unit, cluster, period, outcome, regressors) -%}
{%- set columns = [outcome] + regressors -%}
{%- set n = columns | length -%}
with selected as not materialized (

    select
        {{ unit }} as unit,
        {{ cluster }} as cluster,
        {{ period }} as period,
        {% for column in columns -%}
        -- Not a number travels to the result and is refused there; null would be passed over by the sums.
        coalesce(({{ column }})::double, 'nan'::double) as c{{ loop.index0 }},
        {% endfor %}
    from {{ relation }}

),

bounds as (

    select
        min(period) as first_period,
        case
            when max(period) - min(period) > 62
                then error('The periods span more than 63; cluster_moments keeps the periods of a unit as bits.')
            when count(*) filter (where unit is null or cluster is null or period is null) > 0
                then error('A row has no unit, cluster or period; expected complete rows only.')
            else max(period)
        end as last_period
    from selected

),

unit_means as materialized (

    select
        unit,
        min(cluster) as cluster,
        max(cluster) as last_cluster,
        count(*) as n_rows,
        bit_or(1::bigint << (period - (select first_period from bounds))::integer) as periods,
        {% for column in columns -%}
        avg(c{{ loop.index0 }}) as c{{ loop.index0 }},
        {% endfor %}
    from selected
    group by unit

),

units as (

    select
        unit,
        case
            when cluster != last_cluster
                then error('Unit ' || unit || ' is in more than one cluster; expected one, so that errors can be clustered.')
            else cluster
        end as cluster,
        case
            when bit_count(periods) != n_rows
                then error('Unit ' || unit || ' has two rows in one period; expected one.')
            else n_rows
        end as n_rows,
        periods,
        {% for column in columns -%}
        c{{ loop.index0 }},
        {% endfor %}
    from unit_means
    where n_rows > 1

),

swept as (

    select
        units.cluster,
        selected.period,
        {% for column in columns -%}
        selected.c{{ loop.index0 }} - units.c{{ loop.index0 }} as c{{ loop.index0 }},
        {% endfor %}
    from selected
    inner join units on selected.unit = units.unit

),

period_sums as (

    select
        cluster,
        period,
        count(*) as n_rows,
        {% for column in columns -%}
        sum(c{{ loop.index0 }}) as c{{ loop.index0 }},
        {% endfor -%}
        {% for i in range(n) %}{% for j in range(i, n) -%}
        sum(c{{ i }} * c{{ j }}) as c{{ i }}_{{ j }},
        {% endfor %}{% endfor %}
    from swept
    group by cluster, period

),

period_parts as (

    select
        cluster,
        unnest([
            {'part': 'rows', 'first_term': null, 'second_term': period::varchar, 'value': n_rows::double},
            {% for column in columns -%}
            {
                'part': 'period',
                'first_term': period::varchar,
                'second_term': '{{ column | replace("'", "''") }}',
                'value': c{{ loop.index0 }}
            },
            {% endfor -%}
            {% for i in range(n) %}{% for j in range(i, n) -%}
            {
                'part': 'columns',
                'first_term': '{{ columns[i] | replace("'", "''") }}',
                'second_term': '{{ columns[j] | replace("'", "''") }}',
                'value': c{{ i }}_{{ j }}
            }{{ '' if loop.last and i == n - 1 else ',' }}
            {% endfor %}{% endfor -%}
        ], recursive := true)
    from period_sums

),

-- Units of a cluster that are seen in the same periods are alike to the period dummies.
patterns as (

    select
        cluster,
        periods,
        n_rows,
        count(*) as n_units,
        {% for column in columns -%}
        sum(n_rows * c{{ loop.index0 }} ** 2) as c{{ loop.index0 }},
        {% endfor %}
    from units
    group by cluster, periods, n_rows

),

pattern_periods as (

    select
        patterns.* exclude (periods),
        list_transform(
            list_filter(range(63), lambda bit: (patterns.periods >> bit::integer) & 1 = 1),
            lambda bit: bounds.first_period + bit
        ) as periods
    from patterns
    cross join bounds

),

pattern_parts as (

    select
        cluster,
        unnest(
            [
                {'part': 'units', 'first_term': null, 'second_term': null, 'value': n_units::double},
                {% for column in columns -%}
                {
                    'part': 'between',
                    'first_term': null,
                    'second_term': '{{ column | replace("'", "''") }}',
                    'value': c{{ loop.index0 }}
                }{{ '' if loop.last else ',' }}
                {% endfor -%}
            ]
            || flatten(list_transform(periods, lambda a: list_transform(
                list_filter(periods, lambda b: a <= b),
                lambda b: {
                    'part': 'periods',
                    'first_term': a::varchar,
                    'second_term': b::varchar,
                    'value': n_units * ((a = b)::integer - 1 / n_rows)
                }
            ))),
            recursive := true
        )
    from pattern_periods

),

unioned as (

    select * from period_parts
    union all
    select * from pattern_parts

),

final as (

    select
        cluster::varchar as cluster,
        part,
        first_term,
        second_term,
        sum(value) as value
    from unioned
    group by all

)

select * from final
{%- endmacro %}
