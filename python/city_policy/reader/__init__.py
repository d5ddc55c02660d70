"""From yearbook workbooks and supplementary files to the landing Parquet files.

``ingest`` reads printed yearbooks, ``ingest_supplementary`` long files of other sources. Both write one row
per printed cell, as printed: nothing is corrected here. What the mapping seeds do not know is counted in
the summary and quarantined by the cleaning models.
"""

from city_policy.reader.ingest import Summary, ingest
from city_policy.reader.supplementary import SupplementarySummary, ingest_supplementary

__all__ = ["Summary", "SupplementarySummary", "ingest", "ingest_supplementary"]
