{#-
    Interval arithmetic on what the paper prints: a published 0.0057 is any number from 0.00565 to 0.00575. The models of
    models/replication share these.
-#}

{#- Half a unit of the last published digit of a text. -#}
{% macro half(text) -%}
    (0.5 * pow(10.0, -length(split_part({{ text }}, '.', 2))))
{%- endmacro %}

{#-
    Slack for binary fractions, far below every published digit, so that a value exactly on a rounding edge counts as
    possible.
-#}
{% macro edge() -%}
    1e-9
{%- endmacro %}

{#- An interval as a reader wants to see it: its two ends with so many digits. -#}
{% macro range_text(digits, low, high) -%}
    format('{:.{{ digits }}f} to {:.{{ digits }}f}', {{ low }}, {{ high }})
{%- endmacro %}

{#- Critical value of the normal distribution for one, two or three stars (10, 5 and 1 %). -#}
{% macro critical_value(stars) -%}
    {{ {1: '1.645', 2: '1.960', 3: '2.576'}[stars] }}
{%- endmacro %}

{#-
    The panels of Table 10 whose groups may change by year (C, D and E). Tables 7, 9 and 10 A and B group cities once
    for all years.
-#}
{% macro changing_groups() -%}
    ('C_size', 'D_target_constraint', 'E_target_raised')
{%- endmacro %}
