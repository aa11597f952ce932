"""Agreement: whether answers that were generated again are the answers an entry stored, up to the engine's noise.

Three answers to each item of a random subset are compared by whether they are correct: the stored one (S) and two that
were generated now (R1, and R2 in another order and batch size). Where the stored run was made as it says it was, the
three are draws of one thing and none of them stands out. Two exact tests ask that, for each side of the pair:

- **Odd one out.** Of the K items on which the three do not agree, exactly one differs from the other two, and it is S
  with probability 1/3. p = P(X >= k), X ~ Binomial(K, 1/3), k the items whose odd one is S. The noise floor needs no
  estimate of its own: the items on which R1 or R2 is the odd one are the noise. On an engine without noise, as greedy
  float32 on a CPU, K = k and five altered answers give p = .004.
- **No side favoured.** Noise moves as many answers from wrong to correct as back; inflated answers do not. Exact
  McNemar on the items where S and R1 differ (METRICS.md, "Statistics").

The p-values of a pair (two a side) are adjusted by Holm, and the entry agrees when none is below ``ALPHA``: an honest
entry is called false with a probability of at most 1 %. Both tests need S, R1 and R2 to be exchangeable: the same
engine, version, number format, mode and class of device. Across environments nothing here may be concluded. Batches
differ between all three, which is where an engine's noise comes from; two devices of one class are taken for one.

Sources: randomisation tests under exchangeability, Fisher 1935, "The Design of Experiments", ch. 3; McNemar 1947;
Holm 1979.
"""

from typing import Annotated, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field, model_validator

from harness.records import Digest
from harness.scoring import statistics
from harness.scoring.binomial import above
from harness.scoring.scorecard import Count, Strict

ALPHA = 0.01
# Below this a fabricated share of a few per cent would often go unseen; a smaller suite is generated again whole.
ENOUGH = 200
_POWER = 0.8
_TESTS = 4

Answers = NDArray[np.bool_]


class SideAgreement(Strict):
    """One side of a pair: ``n`` items, and on how many the three answers part.

    ``same_text``: the stored text is that of the first new answer, letter for letter. ``stored_odd`` and ``noise``: the
    three are not all correct or all not, and the odd one is the stored, or one of the new. ``lost`` and ``won``:
    correct as stored and not now, and the reverse.
    """

    weights_digest: Digest
    samples_sha256: Digest
    n: Annotated[int, Field(ge=1)]
    same_text: Count
    stored_odd: Count
    noise: Count
    lost: Count
    won: Count

    @model_validator(mode="after")
    def _adds_up(self) -> "SideAgreement":
        # Where the stored answer is odd, both new ones differ from it; where R1 is odd, the stored differs from it too.
        differing = self.lost + self.won
        if not self.stored_odd <= differing <= self.stored_odd + self.noise <= self.n:
            raise ValueError("the counts contradict each other")
        if self.same_text > self.n:
            raise ValueError("same_text: more than there are items")
        return self

    @property
    def p_values(self) -> tuple[float, float]:
        """Of the odd-one-out test and of McNemar's, each in [0, 1], not adjusted."""
        moved = self.stored_odd + self.noise
        odd = above(self.stored_odd - 1, moved, 1 / 3)
        return odd, statistics.mcnemar(self.lost, self.won)


class Agreement(Strict):
    """What a verification found. The counts decide: an ``agrees`` that they do not give is refused.

    ``seed`` drew the items and did not exist when the entry was made;
    ``environment`` is that of the entry's runs and of those made now.
    """

    method: Literal["odd-one-out-1"] = "odd-one-out-1"
    seed: Annotated[str, Field(pattern=r"\A[0-9a-f]{40,64}\z")]
    environment: Annotated[str, Field(min_length=1, max_length=300)]
    tasks: Annotated[dict[str, Annotated[int, Field(ge=1)]], Field(min_length=1, max_length=1000)]
    base: SideAgreement
    tuned: SideAgreement
    agrees: bool

    @model_validator(mode="after")
    def _follows(self) -> "Agreement":
        if not self.base.n == self.tuned.n == sum(self.tasks.values()):
            raise ValueError("both sides answer the items of all tasks")
        if self.agrees != agree(self.base, self.tuned):
            raise ValueError(f"agrees: the counts say {agree(self.base, self.tuned)}")
        return self

    @property
    def p_value(self) -> float:
        """The smallest of the four p-values after Holm, in [0, 1]."""
        return smallest_p(self.base, self.tuned)

    @property
    def detectable(self) -> float:
        """The share of altered answers that this many items would have found: :func:`detectable_share`."""
        return detectable_share(self.tuned.n)


def compare_side(
    stored: Answers, first: Answers, second: Answers, same_text: Answers, weights_digest: str, samples_sha256: str
) -> SideAgreement:
    """Count one side; all arrays are over the same items, True where an answer is correct (``same_text``: equal)."""
    stored_odd = (first == second) & (stored != first)
    return SideAgreement(
        weights_digest=weights_digest,
        samples_sha256=samples_sha256,
        n=len(stored),
        same_text=int(same_text.sum()),
        stored_odd=int(stored_odd.sum()),
        noise=int((first != second).sum()),
        lost=int((stored & ~first).sum()),
        won=int((~stored & first).sum()),
    )


def smallest_p(base: SideAgreement, tuned: SideAgreement) -> float:
    """The smallest of both sides' p-values after Holm, in [0, 1]."""
    return min(statistics.holm([*base.p_values, *tuned.p_values]))


def agree(base: SideAgreement, tuned: SideAgreement) -> bool:
    """Whether nothing tells the stored answers of either side from those generated again, at ``ALPHA`` after Holm."""
    return smallest_p(base, tuned) >= ALPHA


def detectable_share(n: int) -> float:
    """The smallest share of altered answers, in [0, 1], that ``n`` items find with 80 % power on a noiseless engine.

    The test rejects from k items on, where (1/3)^k is below ``ALPHA`` divided by the four tests (the first step of
    Holm); the share is the smallest s with P(Binomial(n, s) >= k) >= .8, to three decimals. 1 where no share is found.
    """
    # Here, as importing it takes longer than to read a whole ledger.
    from scipy.stats import binom

    k = 1
    while (1 / 3) ** k >= ALPHA / _TESTS:
        k += 1
    shares = np.arange(1, 1001) / 1000
    found = shares[binom.sf(k - 1, n, shares) >= _POWER]
    return float(found[0]) if len(found) else 1.0
