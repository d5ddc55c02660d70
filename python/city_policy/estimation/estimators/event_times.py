"""Event studies with one reference and one joint covariance, for what judges all event times together.

- ``two_way``: the regression of :mod:`~city_policy.estimation.estimators.event_study`, covariance CRV1. A binned end is
  no single year and is left out of the restrictions, not of the test of the leads.
- ``imputation`` (Borusyak, Jaravel and Spiess 2024): city effects, year effects and controls are fitted on untreated
  city-years. The usual effects are measured from all years before the start and the leads from event time -1, so that
  no restriction can hold for both (Roth 2024, Interpreting Event-Studies from Recent Difference-in-Differences
  Methods).
  Here the untreated model has a dummy for every lead, and effects and leads share the reference -1. Covariance from the
  influence of each city: of the leads as in least squares, of the effects the conservative one of their Theorem 3,
  leaving out the city itself (Appendix A.9). Residuals are taken from the mean of the cohort at the event time, from
  the mean of the event time where a cohort has one city.
- ``sun_abraham`` (Sun and Abraham 2021): cohort x event time dummies against never-treated cities, averaged by the
  cohorts' numbers of rows at the event time; covariance CRV1, the shares taken as known.

Event times outside the window, and those that fewer than two treated cities reach, are left out.
"""

from dataclasses import dataclass, field

import numpy as np

from city_policy.estimation.computation.parallel_trends import EventTimes
from city_policy.estimation.computation.regression import (
    cluster_sums,
    independent,
    least_squares,
    sweep,
)
from city_policy.estimation.contract.record import NotIdentifiedError
from city_policy.estimation.contract.request import Request
from city_policy.estimation.estimators.event_study import REFERENCE, event_terms, fit_event_times

FEWEST_CITIES = 2  # that an event time must have
TREND, INTERACTION = "trend_of_treated_cities", "cohort_{}_event_time_{}"


@dataclass(frozen=True)
class EventStudy:
    """An event study whose event times are compared with one another.

    ``times``: coefficients of consecutive event times, without the reference, and their covariance; ``leads`` (m,) and
    ``leads_covariance`` (m, m): what the joint test of the leads tests; ``leads_per_slope`` (m,) and
    ``effects_per_slope`` (q,): what they are where treated cities trend away by 1 a year and nothing else happens;
    ``main``: the average effect on the treated and its clustered standard error; ``degrees``: clusters - 1;
    ``counts`` and ``notes``: for the rows.
    """

    times: EventTimes
    leads: np.ndarray
    leads_covariance: np.ndarray
    leads_per_slope: np.ndarray
    effects_per_slope: np.ndarray
    main: tuple[float, float]
    degrees: int
    counts: dict = field(default_factory=dict)
    notes: list = field(default_factory=list)


def event_study_by(estimator: str, request: Request, first: int, last: int) -> EventStudy:
    """The event study of ``request`` by ``estimator``, a key of :data:`ESTIMATORS`, from ``first`` to ``last``.

    Raises NotIdentifiedError if the years used have a gap, if no lead or no effect of a single year is left, if event
    times are not consecutive, or if the data do not identify one of them or their covariance.
    """
    years = np.unique(request.panel.year[request.rows.used])
    if len(years) <= np.ptp(years):
        raise NotIdentifiedError(
            "The years used have gaps, so that event times are no consecutive years and their steps cannot be compared."
        )
    return ESTIMATORS[estimator](request, first, last)


# ------------------------------------------------------------------------------------------------------------- two-way


def _two_way(request, first, last):
    specification, panel = request.specification, request.panel
    event_time = panel.year - panel.first_treated_year(specification.treatment)
    trend = np.where(np.isfinite(event_time), event_time - REFERENCE, 0.0)
    times, binned, prepared, fit = fit_event_times(request, {TREND: trend})
    if fit.covariance["CRV1"] is None:
        raise NotIdentifiedError("The rows used hold one cluster, so there is no clustered covariance.")
    covariance, degrees = fit.covariance["CRV1"]
    per_slope = least_squares(prepared, TREND, event_terms(times, prepared), exact=True).coefficients
    if prepared.explained([specification.treatment], given=prepared.controls):
        raise NotIdentifiedError(f"{specification.treatment} is collinear with the controls and the fixed effects.")
    main = least_squares(prepared, specification.outcome, [specification.treatment, *prepared.controls])
    inference = main.inference(0, "CRV1")
    counts = {"dropped_terms": prepared.dropped_terms}
    single = [time for time in times if time not in binned]
    notes = []
    if binned:
        names = " and ".join(map(str, binned))
        word = "times" if len(binned) > 1 else "time"
        notes.append(f"Left out as binned, because it is no single year: event {word} {names}.")
    chosen = _consecutive(single, _cities_at(event_time, panel.city, request.rows.used), first, last, notes)
    leads = [i for i, time in enumerate(times) if time < REFERENCE]
    at = [times.index(time) for time in chosen]
    return _event_study(
        chosen,
        fit.coefficients[at],
        covariance[np.ix_(at, at)],
        leads=(fit.coefficients[leads], covariance[np.ix_(leads, leads)], per_slope[leads]),
        effects_per_slope=per_slope[[i for i, time in zip(at, chosen, strict=True) if time >= 0]],
        main=(inference["estimate"], inference["std_error"]),
        degrees=degrees,
        counts=counts,
        notes=notes,
    )


# -------------------------------------------------------------------------------------------------- by cohort and time


def _comparable(request):
    """The request without cities that are treated in every year used, counts and a note on them."""
    city, used = request.panel.city, request.rows.used
    treated = request.columns[request.specification.treatment] > 0
    keep = used & np.isin(city, city[used & ~treated])
    if not (keep & treated).any():
        raise NotIdentifiedError(
            f"No city of the sample changes its {request.specification.treatment} treatment.", dict(request.counts)
        )
    left_out = len(np.unique(city[used & ~keep]))
    notes = [f"{left_out} cities are treated in every year used and cannot be compared."] * bool(left_out)
    rest = request.within(keep, request.specification.sample)
    names = ("n_obs", "n_cities", "n_treated_cities")
    return rest, {name: rest.counts[name] for name in names if name in rest.counts}, notes


def _event_times(request):
    """(N,) event time; NaN for a city that is not seen treated in the rows used, as in ``staggered``."""
    panel, used = request.panel, request.rows.used
    treated = used & (request.columns[request.specification.treatment] > 0)
    event_time = panel.year - panel.first_treated_year(request.specification.treatment)
    return np.where(np.isin(panel.city, panel.city[treated]), event_time, np.nan)


def _sun_abraham(request, first, last):
    request, counts, notes = _comparable(request)
    specification, panel, used = request.specification, request.panel, request.rows.used
    event_time = _event_times(request)
    if np.isfinite(event_time[used]).all():
        raise NotIdentifiedError("Sun and Abraham compare with never-treated cities, and there are none.", counts)
    start = panel.year - event_time
    pairs = sorted({(int(g), int(e)) for g, e in zip(start[used], event_time[used], strict=True) if np.isfinite(e)})
    pairs = [(g, e) for g, e in pairs if e != REFERENCE]
    dummies = {INTERACTION.format(g, e): ((start == g) & (event_time == e)).astype("float64") for g, e in pairs}
    prepared = sweep(request, dummies)
    explained = prepared.explained(list(dummies), given=prepared.controls)
    if explained:
        raise NotIdentifiedError(
            f"{explained[0]} is collinear with the other cohorts and event times, the controls and the fixed effects.",
            counts,
        )
    fit = least_squares(prepared, specification.outcome, [*dummies, *prepared.controls])
    if fit.covariance["CRV1"] is None:
        raise NotIdentifiedError("The rows used hold one cluster, so there is no clustered covariance.", counts)
    covariance, degrees = fit.covariance["CRV1"]
    m = len(pairs)
    rows = np.array([dummies[INTERACTION.format(g, e)][used].sum() for g, e in pairs])
    times = np.array([e for _, e in pairs])

    def shares(chosen):
        return rows * chosen / (rows * chosen).sum()

    chosen = _consecutive(sorted(set(times.tolist())), _cities_at(event_time, panel.city, used), first, last, notes)
    weights = np.array([shares(times == time) for time in chosen])
    average = shares(times >= 0)
    inner = covariance[:m, :m]
    return _event_study(
        chosen,
        weights @ fit.coefficients[:m],
        weights @ inner @ weights.T,
        main=(float(average @ fit.coefficients[:m]), float(np.sqrt(average @ inner @ average))),
        degrees=degrees,
        counts=counts | {"dropped_terms": prepared.dropped_terms},
        notes=notes,
    )


def _imputation(request, first, last):
    request, counts, notes = _comparable(request)
    panel, used = request.panel, request.rows.used
    event_time = _event_times(request)[used]
    city = np.unique(panel.city[used], return_inverse=True)[1]
    chosen = _consecutive(
        sorted(set(event_time[np.isfinite(event_time)].astype(int).tolist()) - {REFERENCE}),
        _cities_at(event_time, city, slice(None)),
        first,
        last,
        notes,
    )
    model = _Imputation(request, event_time, city)
    leads = sorted({int(e) for e in event_time if e < REFERENCE})
    with_leads = model.fit(leads)
    wanted = [time for time in chosen if time >= 0]
    estimates = np.concatenate(
        [
            [with_leads.lead(time) for time in chosen if time < REFERENCE],
            [with_leads.effect(event_time == time)[0] for time in wanted],
        ]
    )
    influence = np.column_stack(
        [
            *[with_leads.lead_influence(time) for time in chosen if time < REFERENCE],
            *[with_leads.effect(event_time == time)[1] for time in wanted],
        ]
    )
    average, by_city = model.fit([]).effect(event_time >= 0)
    return _event_study(
        chosen,
        estimates,
        influence.T @ influence,
        main=(average, float(np.sqrt(by_city @ by_city))),
        degrees=int(city.max()),
        counts=counts | {"dropped_terms": " ".join(model.dropped) or None},
        notes=notes,
    )


class _Imputation:
    """The rows of an imputation, n0 untreated and n1 treated ones."""

    def __init__(self, request, event_time, city):
        used = request.rows.used
        self.event_time, self.city = event_time, city
        self.cohort = request.panel.year[used] - event_time
        self.treated = event_time >= 0
        self.outcome = request.outcome
        year = np.unique(request.panel.year[used], return_inverse=True)[1]
        seen = np.unique(year[~self.treated])
        if len(seen) < year.max() + 1:
            raise NotIdentifiedError(
                "In some year every city is treated, so that nobody shows what would have happened."
            )
        self.years = (year[:, None] == np.arange(1, year.max() + 1)).astype("float64")
        self.names = list(request.controls)
        self.controls = request.control_matrix(used)
        self.dropped: list[str] = []

    def fit(self, leads):
        """The untreated model with a dummy for each of ``leads``."""
        dummies = (self.event_time[:, None] == np.array(leads, dtype=float)).astype("float64")
        columns = np.column_stack([self.years, dummies, self.controls])
        free = ~self.treated
        sizes = np.bincount(self.city[free])
        if len(sizes) <= self.city.max() or not sizes.all():
            raise NotIdentifiedError("A treated city has no untreated year.")

        def less_means(values):
            return values - (cluster_sums(values[free], self.city[free]) / sizes[:, None])[self.city]

        swept = less_means(columns)
        lengths = np.linalg.norm(columns[free], axis=0)
        kept = independent(swept[free], lengths)[0]
        steady = self.years.shape[1] + len(leads)
        if not kept[:steady].all():
            raise NotIdentifiedError(
                "City effects, year effects and the years before the start cannot be told apart in the untreated rows."
            )
        self.dropped = [name for name, fine in zip(self.names, kept[steady:], strict=True) if not fine]
        if self.dropped:
            others = np.linalg.lstsq(swept[free][:, kept], swept[free][:, ~kept], rcond=None)[0]
            rest = swept[:, ~kept] - swept[:, kept] @ others
            if (np.linalg.norm(rest, axis=0) > 1e-8 * np.linalg.norm(columns[:, ~kept], axis=0)).any():
                raise NotIdentifiedError(
                    f"{self.dropped[0]} varies in treated rows only, so that untreated ones cannot tell its "
                    "coefficient."
                )
        outcome = less_means(self.outcome[:, None])[:, 0]
        scale = np.linalg.norm(swept[free][:, kept], axis=0)
        return _ImputationFit(self, swept[:, kept] / scale, scale, outcome, leads)


class _ImputationFit:
    """A fitted untreated model: ``x`` (n, m) and ``y`` (n,) less the city's mean over its untreated rows, x scaled."""

    def __init__(self, model, x, scale, y, leads):
        self.model, self.x, self.leads, self.scale = model, x, leads, scale
        free = ~model.treated
        # x of the untreated rows is q r. Cross products of x would square its condition: what is needed of their
        # inverse is taken from q.
        q, self.triangle = np.linalg.qr(x[free])
        self.coefficients = np.linalg.solve(self.triangle, q.T @ y[free])
        self.coefficients += np.linalg.solve(self.triangle, q.T @ (y[free] - x[free] @ self.coefficients))
        self.residuals = y - x @ self.coefficients
        self.scores = cluster_sums(q * self.residuals[free, None], model.city[free])  # (cities, m)
        n, m, cities = int(free.sum()), x.shape[1], int(model.city.max()) + 1
        room = n - m - 1
        if room <= 0 or cities < 2:
            raise NotIdentifiedError(f"{n} untreated rows of {cities} cities cannot determine {m} terms.")
        self.factor = np.sqrt(cities / (cities - 1) * (n - 1) / room)

    def _place(self, time):
        return self.model.years.shape[1] + self.leads.index(time)

    def lead(self, time):
        return self.coefficients[self._place(time)] / self.scale[self._place(time)]

    def lead_influence(self, time):
        """(cities,) whose squares sum to the clustered variance."""
        place = self._place(time)
        return self.factor * self._move(np.eye(self.x.shape[1])[place]) / self.scale[place]

    def _move(self, combination):
        """What each city moves a combination (m,) of the coefficients by, (cities,)."""
        return self.scores @ np.linalg.solve(self.triangle.T, combination)

    def effect(self, rows):
        """The mean effect over the treated ``rows`` (n,), and the influence of each city on it, (cities,)."""
        model = self.model
        weight = 1 / rows.sum()
        estimate = float(self.residuals[rows].sum() * weight)
        around = _less_group_means(self.residuals[rows], model.event_time[rows], model.cohort[rows])
        by_city = np.bincount(model.city[rows], around, minlength=int(model.city.max()) + 1) * weight
        moved = self.x[rows].sum(axis=0) * weight
        return estimate, by_city - self._move(moved)


def _less_group_means(values, event_time, cohort):
    """Each value less the mean of the others of its cohort and event time, scaled as leaving itself out does."""
    result = np.empty(len(values))
    for time in np.unique(event_time):
        here = np.flatnonzero(event_time == time)
        groups = np.unique(cohort[here], return_inverse=True)[1]
        if np.bincount(groups).min() < FEWEST_CITIES:
            groups = np.zeros(len(here), dtype=int)
        sizes = np.bincount(groups)
        if sizes.min() < FEWEST_CITIES:
            raise NotIdentifiedError(f"One treated city alone is seen {int(time)} years after the start.")
        means = np.bincount(groups, values[here]) / sizes
        result[here] = (values[here] - means[groups]) * (sizes / (sizes - 1))[groups]
    return result


# -------------------------------------------------------------------------------------------------------------- common


def _cities_at(event_time, city, used):
    """Event time -> number of cities."""
    known = np.isfinite(event_time[used])
    pairs = np.unique(np.column_stack([event_time[used][known], city[used][known]]), axis=0)
    times, counts = np.unique(pairs[:, 0].astype(int), return_counts=True)
    return dict(zip(times.tolist(), counts.tolist(), strict=True))


def _consecutive(times, cities, first, last, notes):
    """Those of ``times`` that lie in the window and that enough cities reach; they must be consecutive."""
    chosen = [time for time in times if first <= time <= last]
    few = [time for time in chosen if cities.get(time, 0) < FEWEST_CITIES]
    if few:
        notes.append(f"Left out, because one treated city alone reaches it: event time {' '.join(map(str, few))}.")
    chosen = [time for time in chosen if time not in few]
    if not any(time < REFERENCE for time in chosen):
        raise NotIdentifiedError(
            "There is no lead of a single year before the reference, so that nothing shows trends."
        )
    if not any(time > REFERENCE for time in chosen):
        raise NotIdentifiedError("There is no effect of a single year after the start.")
    if np.ptp(chosen) != len(chosen):
        raise NotIdentifiedError(
            f"The event times {' '.join(map(str, chosen))} beside {REFERENCE} are not consecutive, so that their steps "
            "cannot be compared."
        )
    return chosen


def _event_study(chosen, estimates, covariance, *, main, degrees, counts, notes, leads=None, effects_per_slope=None):
    p = sum(time < REFERENCE for time in chosen)
    covariance = (covariance + covariance.T) / 2
    _check_covariance(covariance)
    if not (np.isfinite(main[1]) and main[1] > 0):
        raise NotIdentifiedError("The average effect has no clustered standard error.")
    slopes = np.array(chosen, dtype=float) - REFERENCE
    tested, tested_covariance, tested_slopes = leads or (estimates[:p], covariance[:p, :p], slopes[:p])
    _check_covariance(tested_covariance)
    return EventStudy(
        EventTimes(estimates[:p], estimates[p:], covariance),
        tested,
        tested_covariance,
        tested_slopes,
        slopes[p:] if effects_per_slope is None else effects_per_slope,
        main,
        degrees,
        counts,
        notes,
    )


def _check_covariance(covariance):
    """Raises NotIdentifiedError unless ``covariance`` is positive definite."""
    errors = np.sqrt(np.maximum(np.diag(covariance), 0.0))
    if np.isfinite(covariance).all() and (errors > 0).all():
        values = np.linalg.eigvalsh(covariance / errors / errors[:, None])
        if values[0] > 1e-9 * values[-1]:
            return
    raise NotIdentifiedError(
        f"There are too few clusters for a joint covariance of {len(covariance)} event times: it is not positive "
        "definite."
    )


ESTIMATORS = {"two_way": _two_way, "imputation": _imputation, "sun_abraham": _sun_abraham}
