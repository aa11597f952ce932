"""Scripts: what is published has the same tokens as what is written."""

import pytest

from leaderboard.site.build import site_sources
from leaderboard.site.scripts import squeezed


@pytest.mark.parametrize(
    ("written", "published"),
    [
        ('// Python\'s "own"\nconst a = 1;  // one\n', "const a=1;\n"),
        ("const a = \"x  //  y\" + ' b  c ' + `d\n  e`;\n", "const a=\"x  //  y\"+' b  c '+`d\n  e`;\n"),
        ("  return a + +b - -c;\n\n\n", "return a+ +b- -c;\n"),
        ("for (const each of all) if (x in y) go (each);", "for(const each of all)if(x in y)go(each);\n"),
        ("const of = [...a];\nlet b\nb = 2\n", "const of=[...a];\nlet b\nb=2\n"),
    ],
)
def test_text_stays_and_blanks_between_signs_go(written: str, published: str) -> None:
    assert squeezed(written) == published
    assert squeezed(published) == published


def test_the_site_writes_no_regular_expression_that_is_taken_for_something_else() -> None:
    for path in sorted((site_sources() / "scripts").glob("*.js")):
        source = path.read_text(encoding="utf-8")
        assert squeezed(squeezed(source)) == squeezed(source)
        for quote in ('"', "`"):
            assert squeezed(source).count(quote) % 2 == 0, path.name
