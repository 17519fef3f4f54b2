"""Physics-informed networks: fields that a network gives, made to obey an equation and fit measurements.

Needs torch (the ``train`` extra). A problem says what has to hold and where (:class:`Problem`); a network is a
function of its weights (:class:`FullyConnected`, :class:`Windows`, ...); a :class:`Model` is the two together, and
an optimiser trains it::

    import torch
    from nightside.physics import informed

    problem = informed.Oscillator(stiffness=400.0)
    model = informed.Model(problem, informed.FullyConnected(width=32, hidden=3))
    trained = informed.levenberg_marquardt(model, model.initial(seed=0), steps=150)
    t = torch.linspace(0.0, 1.0, 500, dtype=torch.float64)[:, None]
    u = model.field(trained.vector)(t)  # (500,), beside problem.exact(t)
"""

from nightside.physics.informed.adam import adam
from nightside.physics.informed.closed_form import Estimate, fit_friction
from nightside.physics.informed.elimination import Eliminated, fit_by_elimination
from nightside.physics.informed.levenberg_marquardt import levenberg_marquardt
from nightside.physics.informed.model import Model
from nightside.physics.informed.networks import (
    CarrierWave,
    ChebyshevFeatures,
    FullyConnected,
    Harmonics,
    Network,
    RandomFeatures,
    Windows,
)
from nightside.physics.informed.oscillator import Oscillator
from nightside.physics.informed.posterior import parameter_covariance
from nightside.physics.informed.problem import Constraint, Field, Parameters, Problem, derivatives
from nightside.physics.informed.regolith import RegolithColumn
from nightside.physics.informed.training import Observer, Trained

__all__ = [
    "CarrierWave",
    "ChebyshevFeatures",
    "Constraint",
    "Eliminated",
    "Estimate",
    "Field",
    "FullyConnected",
    "Harmonics",
    "Model",
    "Network",
    "Observer",
    "Oscillator",
    "Parameters",
    "Problem",
    "RandomFeatures",
    "RegolithColumn",
    "Trained",
    "Windows",
    "adam",
    "derivatives",
    "fit_by_elimination",
    "fit_friction",
    "levenberg_marquardt",
    "parameter_covariance",
]
