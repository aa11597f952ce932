"""What an event of a verification says: how the answers generated again agree with the stored ones."""

from harness.scoring.agreement import Agreement, SideAgreement

BASE, TUNED, WEIGHTS = "aa" * 32, "bb" * 32, "cc" * 32


def agreement(altered: int = 0, tuned: str = TUNED) -> Agreement:
    def side(samples: str, odd: int) -> SideAgreement:
        return SideAgreement(
            weights_digest=WEIGHTS,
            samples_sha256=samples,
            n=200,
            same_text=200,
            stored_odd=odd,
            noise=0,
            lost=odd,
            won=0,
        )

    return Agreement(
        seed="0" * 40,
        environment="e/1/float32/eager/cpu",
        tasks={"jigsaw": 200},
        base=side(BASE, 0),
        tuned=side(tuned, altered),
        agrees=altered < 6,
    )
