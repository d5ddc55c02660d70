"""One linear-algebra thread for the estimators, set when they are imported.

Sums that several threads share are added in an order that changes from run to run, and with them the last digits of
every result; and the problems are so small that waiting threads cost more than they give.
"""

import os

from threadpoolctl import threadpool_limits

# For the libraries that are loaded later ...
for _variable in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"
# ... and for those that are loaded already.
threadpool_limits(limits=1)
