"""A study as a folder: what it may hold, whether it is right, how to start one, and the copy that dbt reads."""

from city_policy.study.check import CheckedStudy, check_study
from city_policy.study.copy import write_copy
from city_policy.study.starter import start_study

__all__ = ["CheckedStudy", "check_study", "start_study", "write_copy"]
