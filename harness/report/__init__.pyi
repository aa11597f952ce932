from .dynamics import render_dynamics, render_dynamics_page
from .page import render_pair_page
from .terminal import render_pair
from .trajectory import render_trajectory, render_trajectory_page
from .verdict import verdict_lines

__all__ = [
    "render_dynamics",
    "render_dynamics_page",
    "render_pair",
    "render_pair_page",
    "render_trajectory",
    "render_trajectory_page",
    "verdict_lines",
]
