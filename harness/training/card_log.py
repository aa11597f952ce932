"""Card log: a scorecard as a training logs it, in numbers and in one line."""

from harness.scoring import Scorecard, per_cent, point_interval, points, printable, rate_interval


def logged(card: Scorecard) -> dict[str, float]:
    """The numbers of a scorecard as a training logs them; what is not defined is left out."""
    numbers: dict[str, float | None] = {
        "macro": card.retention_macro,
        **_limits("macro", card.retention_macro_ci),
        "worst_group": None if card.worst_group is None else card.worst_group.retention,
        **{f"group/{name}": group.retention for name, group in card.groups.items()},
        "balance": card.balance,
        "forgot": sum(task.verdict == "forgot" for task in card.prior_tasks.values()),
        "alarms": len(card.alarms),
    }
    if card.target is not None:
        numbers |= {
            "gain": card.target.gain,
            **_limits("gain", card.target.gain_ci),
            "normalised_gain": card.target.normalised_gain,
        }
    return {name: float(value) for name, value in numbers.items() if value is not None}


def _limits(name: str, interval: tuple[float, float] | None) -> dict[str, float]:
    return {} if interval is None else dict(zip((f"{name}_low", f"{name}_high"), interval, strict=True))


def in_one_line(card: Scorecard) -> str:
    """The findings in one line, alarms with their words."""
    kept = (
        f"retention {per_cent(card.retention_macro)} % {rate_interval(card.retention_macro_ci)}"
        if card.retention_macro is not None
        else f"no retention: {card.reasons['retention_macro']}"
    )
    worst = (
        "" if card.worst_group is None else f", worst {card.worst_group.group} {per_cent(card.worst_group.retention)} %"
    )
    target = card.target
    gain = "" if target is None else f"gain {points(target.gain)} points {point_interval(target.gain_ci)}, "
    alarms = "".join(f"; ALARM {alarm.message}" for alarm in card.alarms)
    return printable(f"{gain}{kept}{worst}{alarms}")
