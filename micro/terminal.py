"""The language of the terminal and the mistakes of users, as the package beside has them: the environment that counts
has nothing else of it.
"""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1] / "python"))

from city_policy.arguments import Parser, translate
from city_policy.errors import InputError
from city_policy.language import said, say

__all__ = ["InputError", "Parser", "said", "say", "translate"]
