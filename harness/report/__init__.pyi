from .dynamics import render_dynamics, render_dynamics_page
from .page import render_pair_page
from .terminal import render_pair
from .trajectory import render_trajectory, render_trajectory_page
from .wording import ABSENT, kept, per_cent, point_interval, points, printable, rests_on

__all__ = [
    "ABSENT",
    "kept",
    "per_cent",
    "point_interval",
    "points",
    "printable",
    "render_dynamics",
    "render_dynamics_page",
    "render_pair",
    "render_pair_page",
    "render_trajectory",
    "render_trajectory_page",
    "rests_on",
]
