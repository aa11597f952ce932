from .drift import measure_drift, plan_drift
from .measure import measure_dynamics
from .plan import Size, plan_dynamics

__all__ = [
    "Size",
    "measure_drift",
    "measure_dynamics",
    "plan_drift",
    "plan_dynamics",
]
