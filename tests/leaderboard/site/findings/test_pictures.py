"""What is drawn of a study: curves where they are, seeds as marks, arms as points, nothing where nothing is known."""

from harness.scoring import across_arms
from leaderboard.site.findings import pictures
from tests.support.studies import BASE, Arm, target

HIGH, LOW = Arm((0.97, 0.99)), Arm((0.1, 0.2), rate=1e-3, title="Low")


def test_curves_begin_at_the_base_and_pass_through_the_means() -> None:
    pair = pictures.curves(target({"high": HIGH, "low": LOW}))
    assert pair is not None
    for drawing in (pair.wide, pair.slender):
        strong = [stroke for stroke in drawing.strokes if not stroke.faint]
        assert len(strong) == 2
        assert len(drawing.strokes) == 2 + 4
        assert drawing.base is not None
        assert strong[0].path.startswith(f"M{' '.join(drawing.base)}L")
        assert len(drawing.rules) == 4
        assert len(drawing.labels) == 2


def test_a_curve_that_leaves_the_drawing_says_how_far_it_goes() -> None:
    pair = pictures.curves(target({"high": HIGH, "low": LOW}))
    assert pair is not None
    # The least kept at a matched gain is that of the low one at 90 %: 1 - .9 * .85 = 23.5 %; it ends at 15 %.
    assert "Low, down to 15 %" in {label.text.replace("\N{NO-BREAK SPACE}", " ") for label in pair.wide.labels}
    floor = float(pair.wide.frame.bottom)
    assert all(float(mark.y) <= floor for mark in pair.wide.marks)


def test_without_a_matched_gain_the_whole_range_is_drawn() -> None:
    pair = pictures.curves(target({"dead": Arm((None, None)), "low": Arm((0.1, 0.1), reach=0.2)}))
    assert pair is not None
    assert pair.wide.rules == ()
    assert [label.text for label in pair.wide.labels if "down to" in label.text] == []


def test_gains_are_distances_on_the_axis_of_scores() -> None:
    pair = pictures.curves(target({"high": HIGH, "other": HIGH}))
    assert pair is not None
    base, half = float((pair.wide.base or ("", ""))[0]), float(pair.wide.rules[1].x)
    scale = (pair.wide.frame.right - pair.wide.frame.left) / (1 - BASE)
    assert abs(half - base - 0.5 * (1 - BASE) * scale) < 1


def test_where_retention_is_defined_nowhere_nothing_is_drawn() -> None:
    made = target({"a": HIGH})
    none = [
        curve.model_copy(update={"points": tuple(p.model_copy(update={"retention_macro": None}) for p in curve.points)})
        for curve in made.trainings[0].curves
    ]
    bare = made.model_copy(update={"trainings": (made.trainings[0].model_copy(update={"curves": tuple(none)}),)})
    assert pictures.curves(bare) is None
    assert pictures.thumbnail(bare) is None
    assert pictures.panels(bare) == ()


def test_seeds_are_marks_beside_their_mean_at_each_learning_rate() -> None:
    both = pictures.rates(target({"high": HIGH, "low": LOW}))
    assert [where.replace("\N{NO-BREAK SPACE}", " ") for where, _ in both] == [
        "at 90 % of normalised gain",
        "at the last checkpoint",
    ]
    for _, drawing in both:
        assert [mark.small for mark in drawing.marks] == [True, True, False] * 2
        assert [text for _, text in drawing.x.at] == ["3e-4", "1e-3"]
        assert len(drawing.strokes) == 1


def test_rates_of_different_methods_are_not_held_against_each_other() -> None:
    assert pictures.rates(target({"high": HIGH, "rft": Arm((0.9, 0.9), method="rft", rate=1e-4)})) == ()


def test_arms_are_points_with_a_letter_each() -> None:
    made = target({f"a{n}": Arm((0.9 - 0.1 * n,), kl=0.01 * 10**n) for n in range(3)})
    perplexity, prior, _ = across_arms(made)
    assert pictures.arms(made, perplexity) is None
    drawing = pictures.arms(made, prior)
    assert drawing is not None
    assert sorted(label.text for label in drawing.labels) == ["A", "B", "C"]
    assert len(drawing.marks) == 3


def test_panels_show_every_seed_and_name_those_that_lie_apart() -> None:
    one, _ = pictures.panels(target({"wide": Arm((0.9, 0.1)), "low": LOW}))
    assert [label.text for label in one.drawing.labels] == ["0", "1"]
    assert sum(stroke.solid for stroke in one.drawing.strokes) == 2
