"""Facts: what templates may ask of a track and its entries, by the name they call it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from leaderboard.board.cost import cost
from leaderboard.board.recipes import recipes, short_names
from leaderboard.site.across import across
from leaderboard.site.headline import headline, least_forgetting
from leaderboard.site.rates import rates
from leaderboard.site.scatter import scatter
from leaderboard.site.timeline import timeline

FUNCTIONS: Mapping[str, Callable[..., Any]] = MappingProxyType(
    {
        "recipes_of": recipes,
        "tracks_together": across,
        "short_names_of": short_names,
        "headline_of": headline,
        "least_forgetting_of": least_forgetting,
        "cost_of": cost,
        "rates_of": rates,
        "scatter_of": scatter,
        "timeline_of": timeline,
    }
)
