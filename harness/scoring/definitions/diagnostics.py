"""Diagnostics: why a fine-tune moves a base as it does, and what makes a number suspect. Shown beside, never ranked."""

from harness.scoring.definitions.metric import Metric

_KERNEL = "Ren and Sutherland, arXiv 2407.10490; arXiv 2506.23508"
_RAZOR = "RL's Razor, arXiv 2509.04259"


def _alarm(name: str, title: str, formula: str, sentence: str) -> Metric:
    return Metric(
        name=name, title=title, formula=formula, range="raised or not", unit="word", sentence=sentence,
        section="diagnostics",
    )  # fmt: skip


METRICS = (
    Metric(
        name="pass_at_k",
        title="pass@k",
        formula="mean over items of 1 - C(K - c, k) / C(K, k)",
        range="0 to 1",
        unit="percent",
        sentence="The chance that one of k sampled answers to an item at least is correct, from K drawn answers, c of "
        "them correct; unbiased. pass@1 is the mean. Shown for k = 1, 2, 4, ... and K, where answers were sampled.",
        source="Chen et al. 2021, arXiv 2107.03374",
        section="diagnostics",
        fields=("TaskScore.pass_at", "PassAt.base", "PassAt.tuned"),
    ),
    Metric(
        name="pass_at_k_delta",
        title="Change of pass@k",
        formula="pass@k of the tuned model - pass@k of the base",
        range="-1 to 1",
        unit="points",
        sentence="Where the mean falls and pass@k at a large k does not, the tuned model still finds the answer, less "
        "often. Its interval is over items, or clusters of them: paired bootstrap; that of k = 1 is delta's.",
        source="Chen et al. 2021, arXiv 2107.03374",
        section="diagnostics",
        fields=("PassAt.delta",),
        interval="delta_ci",
    ),
    Metric(
        name="forward_kl",
        title="Forward KL",
        formula="mean over tokens of KL(base || tuned)",
        range="0 or more",
        unit="nats",
        sentence="How far the distributions moved along the base's own answers, exact over the vocabulary, averaged "
        "over the tokens of each answer and then over items, on target and on prior prompts.",
        source=_RAZOR,
        section="diagnostics",
        fields=("DriftScore.forward_kl", "Divergence.forward_kl"),
        interval="forward_kl_ci",
    ),
    Metric(
        name="reverse_kl",
        title="Reverse KL",
        formula="mean over tokens of KL(tuned || base)",
        range="0 or more",
        unit="nats",
        sentence="Forward KL with the two distributions exchanged, along the same answers of the base.",
        source=_RAZOR,
        section="diagnostics",
        fields=("DriftScore.reverse_kl", "Divergence.reverse_kl"),
        interval="reverse_kl_ci",
    ),
    Metric(
        name="perplexity",
        title="Perplexity of the targets",
        formula="exp(mean over tokens of -log p(token))",
        range="1 or more",
        unit="number",
        sentence="How surprising the base finds what the fine-tune was taught to write; 1 is text it would have "
        "written itself. All tokens of a kind of example are pooled, and its interval draws whole questions.",
        source="arXiv 2506.23508",
        section="diagnostics",
        fields=("PerplexityScore.perplexity",),
        interval="perplexity_ci",
    ),
    Metric(
        name="influence_magnitude",
        title="Influence, magnitude",
        formula="||Δ log p(x_v)||^2 / (s^2 ||A(x_v)||^2 ||G(x_u)||^2)",
        range="0 or more",
        unit="number",
        sentence="One real step of size s of gradient descent on one training example x_u, and how far it moves the "
        "base's distributions at its own answer x_v to a prior task: a lower bound on the squared norm of the tangent "
        "kernel between the two. A is the Jacobian of log-softmax, G the gradient of the loss in the logits.",
        source=_KERNEL,
        section="diagnostics",
        fields=("InfluencePart.magnitude",),
        interval="magnitude_ci",
    ),
    Metric(
        name="influence_direction",
        title="Influence, direction",
        formula="cos(∇ log p(x_v), ∇ log p(x_u))",
        range="-1 to 1",
        unit="number",
        sentence="Above 0 a step on a training example x_u raises the probability of what the base says to a prior "
        "task, x_v; below 0 it lowers it.",
        source=_KERNEL,
        section="diagnostics",
        fields=("InfluencePart.direction",),
        interval="direction_ci",
    ),
    Metric(
        name="influence_lowers",
        title="Influence, lowers",
        formula="share of pairs (x_u, x_v) whose direction is below 0",
        range="0 to 1",
        unit="percent",
        sentence="How many steps lower what the base says to prior tasks.",
        section="diagnostics",
        fields=("InfluencePart.lowers",),
    ),
    Metric(
        name="influence_slope",
        title="Influence, slope",
        formula="∇ log p(x_v) · ∇ log p(x_u)",
        range="any number",
        unit="nats",
        sentence="The change of the log-probability of the base's own answer per unit of step.",
        section="diagnostics",
        fields=("InfluencePart.slope",),
        interval="slope_ci",
    ),
    Metric(
        name="first_order_error",
        title="Error of the first order",
        formula="sqrt(sum of (actual - expected)^2 / sum of expected^2)",
        range="0 or more",
        unit="number",
        sentence="What the real steps did to log p(x_v) beyond step times slope, over all pairs. Near 0 the formulas "
        "of the influence hold.",
        section="diagnostics",
        fields=("InfluenceScore.first_order_error",),
    ),
    Metric(
        name="unparsed_base",
        title="Unparsed, base",
        formula="share of the base's answers that are unparsed",
        range="0 to 1",
        unit="percent",
        sentence="Outputs of the base in which no answer could be found, or that were cut off.",
        section="diagnostics",
        fields=("TaskScore.unparsed_base",),
    ),
    Metric(
        name="unparsed_tuned",
        title="Unparsed, tuned",
        formula="share of the tuned model's answers that are unparsed",
        range="0 to 1",
        unit="percent",
        sentence="Outputs of the tuned model in which no answer could be found, or that were cut off.",
        section="diagnostics",
        fields=("TaskScore.unparsed_tuned",),
    ),
    Metric(
        name="off_list_base",
        title="Off-list, base",
        formula="share of the base's answers that are none of the options",
        range="0 to 1",
        unit="percent",
        sentence="Answers of the base that are readable but none of the options: wrong, not unparsed.",
        section="diagnostics",
        fields=("TaskScore.off_list_base",),
    ),
    Metric(
        name="off_list_tuned",
        title="Off-list, tuned",
        formula="share of the tuned model's answers that are none of the options",
        range="0 to 1",
        unit="percent",
        sentence="Answers of the tuned model that are readable but none of the options: wrong, not unparsed.",
        section="diagnostics",
        fields=("TaskScore.off_list_tuned",),
    ),
    Metric(
        name="truncated_base",
        title="Cut off, base",
        formula="share of the base's answers that were cut off",
        range="0 to 1",
        unit="percent",
        sentence="Outputs of the base that reached the token budget.",
        section="diagnostics",
        fields=("TaskScore.truncated_base",),
    ),
    Metric(
        name="truncated_tuned",
        title="Cut off, tuned",
        formula="share of the tuned model's answers that were cut off",
        range="0 to 1",
        unit="percent",
        sentence="Outputs of the tuned model that reached the token budget.",
        section="diagnostics",
        fields=("TaskScore.truncated_tuned",),
    ),
    Metric(
        name="alarms",
        title="Alarms",
        formula="number of alarms raised",
        range="0 or more",
        unit="count",
        sentence="Reasons to doubt a number: a score below chance, unparsed, off-list or cut-off rates or output "
        "lengths that differ between the sides, the same answer to everything, start tokens doubled or different, chat "
        "templates that differ.",
        section="diagnostics",
        fields=("Scorecard.alarms",),
    ),
    _alarm(
        "below_chance",
        "Below chance",
        "P(X <= number correct) < .025, X binomial with the mean guess rate",
        "A side scores below chance by more than chance explains; with clusters also mean + 1.96 standard errors of "
        "the corrected score must be below 0. Often a lost format.",
    ),
    _alarm(
        "unparsed_differs",
        "Unparsed rates differ",
        "exact McNemar between the sides, Holm over tasks, p < .05",
        "One side's answers are less often readable.",
    ),
    _alarm(
        "off_list_differs",
        "Off-list rates differ",
        "exact McNemar between the sides, Holm over tasks, p < .05",
        "One side's answers are more often none of the options.",
    ),
    _alarm(
        "truncated_differs",
        "Cut-off rates differ",
        "exact McNemar between the sides, Holm over tasks, p < .05",
        "One side reaches the token budget more often.",
    ),
    _alarm(
        "length_differs",
        "Output lengths differ",
        "one mean length at least twice the other's, and an exact sign test, Holm over tasks, p < .05",
        "One side writes far more; in tokens, or in characters where tokens are unknown, and on 20 items or more.",
    ),
    _alarm(
        "constant_answers",
        "The same answer to everything",
        "one answer makes up 90 % of a side's items, and fewer than 90 % are right",
        'A model that always says "A", or always the same permutation; on 20 items or more.',
    ),
    _alarm(
        "double_bos",
        "Start token doubled",
        "prompts begin with two start tokens or more",
        "Known to cost several points by itself.",
    ),
    _alarm(
        "no_bos",
        "Start token left out",
        "chat prompts begin with no start token, although the tokenizer puts one before every text",
        "Nothing is added to what a chat template says, as in the chat functions of transformers and vLLM. A model "
        "that never saw a text without it may answer worse; a template that has it can be given (custom track).",
    ),
    _alarm(
        "bos_differs",
        "Start tokens differ",
        "the sides' prompts begin with different numbers of start tokens",
        "Possible only where each model is asked by its own template.",
    ),
    _alarm(
        "template_differs",
        "Chat templates differ",
        "the digests of the sides' chat templates differ",
        "Possible only where each model is asked by its own template: a change may be the template's.",
    ),
    _alarm(
        "prompts_chosen",
        "Prompts of one's own",
        "both sides were asked by another policy, in another chat template or with other arguments than suite and base "
        "set by default",
        "Possible only where that was asked for (custom track); scores are not comparable with those of other runs.",
    ),
    _alarm(
        "processor_differs",
        "Image processors differ",
        "images of the tuned side went through its own image processor",
        "Possible only where that was asked for (custom track): a change may be the images'.",
    ),
    _alarm(
        "screened",
        "Screened",
        "the runs hold only the part of the suite that a screening asked",
        "The comparison stopped early, so that its intervals and verdicts are optimistic.",
    ),
)
