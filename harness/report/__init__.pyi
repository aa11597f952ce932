from .dynamics import render_dynamics, render_dynamics_page
from .encode import write_plainly
from .forest import TEMPLATES, Forest, forest_of, shared_styles
from .hub import Stated, eval_results, model_index
from .junit import render_junit
from .markdown import render_pair_markdown
from .model_card import CardBlock, card_block
from .page import render_pair_page
from .palette import FAMILIES, IN_TERMINALS, SURFACES, TRANSITIONS, style_tokens
from .terminal import render_pair
from .trajectory import render_trajectory, render_trajectory_page
from .verdict import verdict_lines

__all__ = [
    "FAMILIES",
    "IN_TERMINALS",
    "SURFACES",
    "TEMPLATES",
    "TRANSITIONS",
    "CardBlock",
    "Forest",
    "Stated",
    "card_block",
    "eval_results",
    "forest_of",
    "model_index",
    "render_dynamics",
    "render_dynamics_page",
    "render_junit",
    "render_pair",
    "render_pair_markdown",
    "render_pair_page",
    "render_trajectory",
    "render_trajectory_page",
    "shared_styles",
    "style_tokens",
    "verdict_lines",
    "write_plainly",
]
