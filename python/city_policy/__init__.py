"""From Chinese city yearbooks to policy-effect estimates.

The library reads yearbook workbooks, simulates a demo yearbook, computes the index of new quality productive
forces and runs the estimators. It knows nothing of dbt: the models in ``models/`` call it.
"""

__version__ = "0.2.0"
