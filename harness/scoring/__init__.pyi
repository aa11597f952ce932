from .agreement import ENOUGH, Agreement, SideAgreement, agree, compare_side
from .binary import difference_interval
from .drift import ItemDrift, token_kl
from .dynamics.document import (
    CheckpointDrift,
    Divergence,
    Dynamics,
    InfluenceScore,
    Model,
    PerplexityScore,
    ProbeSuite,
    Settings,
    TrainingSet,
)
from .dynamics.influence import Pair, cosine, error_norm, jacobian_norm, magnitude
from .dynamics.perplexity import Reading, edges
from .pairing import Source, pair
from .schema import dynamics_schema, portable, scorecard_schema
from .scorecard import Role, Scorecard, TaskScore
from .scorer import SCORER_VERSION, paired_items, score_pair
from .smallest_loss import smallest_loss
from .statistics import (
    ALPHA,
    MARGIN,
    RESAMPLES,
    SEED,
    harmonic_mean,
    holm,
    mcnemar,
    mean_minimum_detectable_difference,
)
from .study.comparison import Curves, Seed, check_claims, count_verdicts, last_of, mean_over_seeds, predictor, retest
from .study.results import Made, Matched, NoiseFloor, Predictor, StudyResults, TargetResult, Tested, TrainingResult
from .task_scores import cluster_labels, reasons
from .trajectory import LEVELS, Trajectory, retention_at, score_trajectory
from .transitions import FORGOTTEN, KEPT, LEARNED, NEVER, Bools, Floats, Transitions, transition_names

__all__ = [
    "ALPHA",
    "ENOUGH",
    "FORGOTTEN",
    "KEPT",
    "LEARNED",
    "LEVELS",
    "MARGIN",
    "NEVER",
    "RESAMPLES",
    "SCORER_VERSION",
    "SEED",
    "Agreement",
    "Bools",
    "CheckpointDrift",
    "Curves",
    "Divergence",
    "Dynamics",
    "Floats",
    "InfluenceScore",
    "ItemDrift",
    "Made",
    "Matched",
    "Model",
    "NoiseFloor",
    "Pair",
    "PerplexityScore",
    "Predictor",
    "ProbeSuite",
    "Reading",
    "Role",
    "Scorecard",
    "Seed",
    "Settings",
    "SideAgreement",
    "Source",
    "StudyResults",
    "TargetResult",
    "TaskScore",
    "Tested",
    "TrainingResult",
    "TrainingSet",
    "Trajectory",
    "Transitions",
    "agree",
    "check_claims",
    "cluster_labels",
    "compare_side",
    "cosine",
    "count_verdicts",
    "difference_interval",
    "dynamics_schema",
    "edges",
    "error_norm",
    "harmonic_mean",
    "holm",
    "jacobian_norm",
    "last_of",
    "magnitude",
    "mcnemar",
    "mean_minimum_detectable_difference",
    "mean_over_seeds",
    "pair",
    "paired_items",
    "portable",
    "predictor",
    "reasons",
    "retention_at",
    "retest",
    "score_pair",
    "score_trajectory",
    "scorecard_schema",
    "smallest_loss",
    "token_kl",
    "transition_names",
]
