from .backend import Backend
from .judging import Judged, Place, check_judges, judge_again, judgement_of, place_of
from .loading import (
    VERSION,
    LoadedTask,
    StockTask,
    TaskError,
    build_requests,
    cluster_ids,
    decoding_of,
    external_item_id,
    first_items,
    load_each,
    load_frozen,
    load_tasks,
    select_items,
    stock_tasks,
)
from .recompute import AnswerKey, Difference, Recomputation, Recomputer
from .rejudge import Rejudged, rejudge_run
from .running import SLAB, images_of, run_tasks

__all__ = [
    "SLAB",
    "VERSION",
    "AnswerKey",
    "Backend",
    "Difference",
    "Judged",
    "LoadedTask",
    "Place",
    "Recomputation",
    "Recomputer",
    "Rejudged",
    "StockTask",
    "TaskError",
    "build_requests",
    "check_judges",
    "cluster_ids",
    "decoding_of",
    "external_item_id",
    "first_items",
    "images_of",
    "judge_again",
    "judgement_of",
    "load_each",
    "load_frozen",
    "load_tasks",
    "place_of",
    "rejudge_run",
    "run_tasks",
    "select_items",
    "stock_tasks",
]
