"""The page of the data: every file, what each column holds, and lines of Python that read them."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import Markup

from leaderboard.board import Board
from leaderboard.site.exports import PublishedData
from leaderboard.site.pages import Pages
from leaderboard.site.views import example

PAGE = "data.html"


def data_page(pages: Pages, data: PublishedData) -> Iterator[tuple[str, bytes]]:
    """Path and content of the page."""
    track = pages.board.tracks[0] if pages.board.tracks else None
    # Escaped here, as the last step of an expression would put their lines on one.
    programs = {title: Markup.escape(program) for title, program in examples(pages.board).items()}
    items = Markup.escape(items_example(pages.board))
    yield pages.page(PAGE, PAGE, data=data, examples=programs, items=items, track=track)


def examples(board: Board) -> dict[str, str]:
    """Programs by what they answer, as the page prints them: they run in the folder of a built or downloaded site."""
    first = board.tracks[0].key.slug if board.tracks else "track"
    return {
        "What does each learning rate keep?": "import pandas as pd\n"
        "\n"
        'board = pd.read_csv("board.csv")\n'
        f'chosen = board[(board.track == "{first}") & (board.weights == "full")]\n'
        'print(chosen.groupby(["family", "learning_rate"]).retention_share.agg(["mean", "min", "max", "count"]))\n',
        "What did each entry lose on each task?": "import pandas as pd\n"
        "\n"
        'tasks = pd.read_parquet("tasks.parquet")\n'
        'prior = tasks[tasks.role == "prior"]\n'
        'print(prior.pivot(index="entry_id", columns="task", values="delta_share").mul(100).round(1))\n',
        "What unit does a column have?": "import pyarrow.parquet as pq\n"
        "\n"
        'for field in pq.read_schema("board.parquet"):\n'
        '    print(field.name, field.type, (field.metadata or {}).get(b"unit", b"").decode())\n',
    }


def items_example(board: Board) -> str:
    """A program that prints the forgotten items of one entry from its stored answers, in the folder of a checkout."""
    found = example(board)
    home, entry = "SUITE/BASE", "ENTRY"
    if found is not None:
        folder, entry = found.row.folders[0], found.row.entry_id
        home = f"{folder.parent.name}/{folder.name}"
    return (
        "import pandas as pd\n"
        "\n"
        f'base = pd.read_parquet("leaderboard/data/bases/{home}/samples.parquet")\n'
        f'tuned = pd.read_parquet("submissions/{entry}/tuned/samples.parquet")\n'
        'both = base.merge(tuned, on=["item_id", "task"], suffixes=("_base", "_tuned"))\n'
        'forgotten = both[(both.outcome_base == "correct") & (both.outcome_tuned != "correct")]\n'
        'print(forgotten[["task", "item_id", "output_base", "output_tuned"]])\n'
    )
