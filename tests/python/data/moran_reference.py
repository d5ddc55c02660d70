"""Prints what PySAL says of Moran's I on the lattice of ``test_space.pysal_case``; test_space.py holds the numbers.

``pip install esda==2.9.0 libpysal==4.14.1`` in an environment of its own, then ``python moran_reference.py``.
"""

import numpy as np
from esda.moran import Moran
from libpysal.weights import W

# Longitude and latitude, off a lattice; great-circle distances on a sphere of 6371 km.
points = [(110 + 0.7 * (k % 7) + 0.05 * np.sin(3 * k), 30 + 0.61 * (k // 7)) for k in range(49)]
values = np.sin(np.arange(49) * 1.7) + 0.03 * np.arange(49)


def distance(a, b):
    """Kilometres between two points, by the haversine formula."""
    (x1, y1), (x2, y2) = np.radians(a), np.radians(b)
    h = np.sin((y2 - y1) / 2) ** 2 + np.cos(y1) * np.cos(y2) * np.sin((x2 - x1) / 2) ** 2
    return 2 * 6371 * np.arcsin(np.sqrt(h))


away = np.array([[distance(a, b) for b in points] for a in points])
np.fill_diagonal(away, np.inf)
within = {i: np.flatnonzero(away[i] <= 100).tolist() for i in range(49)}
nearest = {i: np.argsort(away[i], kind="stable")[:4].tolist() for i in range(49)}
for name, neighbours in (("within_100_km", within), ("nearest_4", nearest)):
    found = Moran(values, W(neighbours, silence_warnings=True), transformation="r", permutations=0)
    print(name, {key: float(getattr(found, key)) for key in ("I", "EI", "seI_norm", "z_norm", "p_norm")})
