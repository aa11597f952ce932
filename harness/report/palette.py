"""The palette: what each colour of a page, a badge or a terminal means, by day and in the dark.

Transitions and method families have colours of their own, so that none stands for both. Blue and vermilion stay apart
for every kind of colour vision, and no meaning rests on colour alone: families differ in shape, transitions in hatching
and words.
"""

from __future__ import annotations

# name: (light, dark)
SURFACES = {
    "paper": ("#fbfaf8", "#131518"),
    "sheet": ("#ffffff", "#1a1d21"),
    "ink": ("#1a1c20", "#e7e6e2"),
    "soft": ("#5a606b", "#a2a8b2"),
    "line": ("#dedcd6", "#343941"),
    "faint": ("#efede8", "#23272d"),
    "link": ("#0a5594", "#86bdf0"),
    "mark": ("#1a1c20", "#f1f0ec"),
    "warn-paper": ("#fdf0e4", "#2c2219"),
    "warn-line": ("#e0ac7d", "#7b5636"),
    "good-paper": ("#eaf3fa", "#17252f"),
    "good-line": ("#7fb0d6", "#33658c"),
}
TRANSITIONS = {
    "learned": ("#0072b2", "#4aa8e6"),
    "kept": ("#93b7cd", "#5d8bad"),
    "forgotten": ("#b64506", "#ee8a47"),
    "never": ("#dcdad4", "#3a414b"),
}
# Of a terminal nobody knows whether it is light or dark: one tone each, with a contrast of 4:1 or more on white and on
# black. Fewer colours, NO_COLOR and no terminal are rich's to handle.
IN_TERMINALS = {"learned": "#0a7abf", "kept": "#5a7f99", "forgotten": "#c4500f", "never": "#767676"}
FAMILIES = {
    "sft": ("#3f4a5a", "#b9c3d2"),
    "rft": ("#8a4a78", "#d79ac4"),
    "sft-on-rollouts": ("#00735a", "#4fc3a1"),
    "distill": ("#7a6200", "#d3bb52"),
    "dpo": ("#5b4fbf", "#a9a1f5"),
    "merge": ("#2f6f7d", "#7cc4d2"),
    "other": ("#6d6a63", "#a8a49b"),
}


def style_tokens() -> str:
    """The palette as custom properties of a style sheet: ``--learned``, ``--of-sft`` and so on."""
    tokens = {**SURFACES, **TRANSITIONS, **{f"of-{name}": pair for name, pair in FAMILIES.items()}}
    light = "".join(f"  --{name}: {day};\n" for name, (day, _) in tokens.items())
    dark = "".join(f"    --{name}: {night};\n" for name, (_, night) in tokens.items())
    return (
        f":root {{\n  color-scheme: light dark;\n{light}}}\n"
        f"@media screen and (prefers-color-scheme: dark) {{\n  :root {{\n{dark}  }}\n}}\n"
    )
