"""Steps: turn a plan into an ordered list of child processes, each with everything that affects its result.

They go seed by seed and target by target, so that a study that was stopped early has all methods to compare, not many
seeds of one. Evaluations of one target and seed are one process, because every start of an engine costs seconds.
"""

import copy
import hashlib
import os
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import yaml

from harness.checkpoints import Checkpoint, open_checkpoint, restore_delta, write_delta
from harness.study.plan import Plan, Policy, Scalar, Target
from harness.study.runner import Step, python_command
from harness.suites import open_suite
from harness.training import Recipe, accelerate_file, load_recipe, source_reference

_NO_BREAK = 1 << 30
# The files of a checkpoint that an engine reads; the trainer's own state is not among them.
_MODEL_SUFFIXES = (".safetensors", ".json", ".jinja", ".txt", ".model")


@dataclass(frozen=True)
class Trained:
    """One training with one seed: its folder, its recipe, and the folder of its examples (None: a named source)."""

    target: str
    name: str
    seed: int
    recipe: Recipe
    folder: Path
    model_name: str
    examples: Path | None
    key: str
    settings: tuple[str, ...]

    @property
    def checkpoints(self) -> dict[int, Path]:
        """The folder of each checkpoint that the training saves, by step."""
        return {step: self.folder / f"step-{step:06d}" for step in self.recipe.saved_steps}

    @property
    def last(self) -> Path:
        return self.checkpoints[self.recipe.saved_steps[-1]]


class Study:
    """A plan in an output folder: its trainings, its suites, and the steps that make them.

    Its base is opened at once, unless ``opened`` is false: its steps can then be counted and not run. ``trained`` are
    all trainings of the plan; it has steps of those that run here (``running``, ``taking_over``), at first of all.
    """

    def __init__(self, plan: Plan, out: Path, *, opened: bool = True) -> None:
        self.plan, self.out = plan, out
        self._run_here = frozenset(plan.seeds)
        self._elsewhere: frozenset[tuple[str, int]] = frozenset()
        self._devices = None if plan.accelerate is None else accelerate_file(plan.accelerate)
        self.base_digest = self.base.record.weights_digest if opened else ""
        self.suite = open_suite(plan.suite)
        self.runs = out / "runs"
        self.trained = tuple(self._trained())

    @cached_property
    def base(self) -> Checkpoint:
        return open_checkpoint(self.plan.base)

    def part(self, target: str) -> Path:
        """The file of the part of the suite on which a target's checkpoints are evaluated."""
        return self._part_file(self.count(target))

    @property
    def whole(self) -> str:
        """The suite for the last checkpoints: the suite's name, or the file of a part of it."""
        return self.plan.suite if self.plan.whole is None else str(self._part_file(self.plan.whole))

    @property
    def base_name(self) -> str:
        """The base's name in results, which must not be a local path."""
        return self.base.record.name if Path(self.plan.base).expanduser().is_dir() else self.plan.base

    def steps(self) -> list[Step]:
        """All steps, in the order to run them."""
        steps: list[Step] = []
        targets = dict.fromkeys(each.target for each in self.trained_here)
        for count in dict.fromkeys(map(self.count, targets)):
            steps += self._part_steps(count)
        whole = self.plan.whole
        if targets and whole is not None and f"suite/part{whole}" not in {step.key for step in steps}:
            steps += self._part_steps(whole)[:1]
        for seed in self.plan.seeds:
            here = [target for target in targets if self.runs_here(target, seed)]
            of_seed = [step for target in here for step in self._seed_steps(target, seed)]
            # Results come before their explanation.
            steps += sorted(of_seed, key=lambda step: step.kind == "dynamics")
        return steps

    def runs_here(self, target: str, seed: int) -> bool:
        """Whether the trainings of a target with this seed are among the steps."""
        return seed in self._run_here and not self.ran_elsewhere(target, seed)

    def ran_elsewhere(self, target: str, seed: int) -> bool:
        """Whether the results of a target with this seed are taken over."""
        return (target, seed) in self._elsewhere

    def running(self, seeds: Collection[int]) -> "Study":
        """The same study, of which only these seeds run here."""
        other = copy.copy(self)
        other._run_here = frozenset(seeds)
        return other

    def taking_over(self, elsewhere: Collection[tuple[str, int]]) -> "Study":
        """The same study, where these targets and seeds were run elsewhere."""
        other = copy.copy(self)
        other._elsewhere = frozenset(elsewhere)
        return other

    @property
    def trained_here(self) -> tuple[Trained, ...]:
        """The trainings that are among the steps."""
        return tuple(each for each in self.trained if self.runs_here(each.target, each.seed))

    def of(self, target: str, seed: int) -> list[Trained]:
        """The trainings of one target with one seed, in the order of the plan."""
        return [each for each in self.trained if (each.target, each.seed) == (target, seed)]

    def model(self, trained: Trained) -> Path:
        """The folder of the last checkpoint under its own name, which its runs and its entry carry."""
        return self.out / "models" / trained.model_name

    def kept(self, trained: Trained) -> Path | None:
        """The folder of the last checkpoint as its delta gives it, which lies beside; None for all but one seed."""
        return self.out / "kept" / f"{trained.model_name}-kept" if trained.seed == self.plan.kept else None

    def rollouts(self, trained: Trained) -> Recipe | None:
        """The recipe of the rollouts that a training learns from; None if it learns from a named source."""
        declared = self.plan.targets[trained.target]
        policy = declared.trainings[trained.name].policy
        return None if policy is None else self._rollouts(trained.target, declared, policy, trained.seed)[0]

    def count(self, target: str) -> int:
        """Items of each task on which a target's checkpoints are evaluated."""
        return self.plan.targets[target].part or self.plan.part

    def dynamics(self, trained: Trained) -> Path:
        return self.out / "dynamics" / trained.target / f"{trained.name}-seed{trained.seed}.json"

    def _part_file(self, count: int) -> Path:
        return self.out / "suites" / f"{self.plan.suite}-part{count}-1.yaml"

    def family(self, target: str) -> str:
        """The family of a target, by which results and runs name it."""
        return next(each.recipe.target for each in self.trained if each.target == target)

    def _trained(self) -> Iterator[Trained]:
        for seed in self.plan.seeds:
            for target, declared in self.plan.targets.items():
                for name in declared.trainings:
                    yield self._one(target, declared, name, seed)

    def _one(self, target: str, declared: Target, name: str, seed: int) -> Trained:
        training = declared.trainings[name]
        settings = {"base": self.plan.base, **training.set}
        examples = None
        if training.policy is not None:
            examples = self._rollouts_folder(target, declared, training.policy, seed)
            settings["data.examples"] = str(examples)
        recipe = load_recipe(declared.config, training.method, settings, seed=seed)
        # Each recipe and policy has its own folder, so that two trainings are never mixed.
        short = _short(recipe.digest, examples.name if examples else "")
        folder = self.out / "trainings" / target / f"{name}-seed{seed}-{short}"
        return Trained(
            target=target,
            name=name,
            seed=seed,
            recipe=recipe,
            folder=folder,
            model_name=f"{self.plan.name}-{target}-{name}-seed{seed}",
            examples=examples,
            key=f"train/{target}/{name}-seed{seed}",
            settings=_settings(settings),
        )

    def _rollouts_folder(self, target: str, declared: Target, policy: Policy, seed: int) -> Path:
        recipe, _ = self._rollouts(target, declared, policy, seed)
        own = "" if policy.training == "base" else self._one(target, declared, policy.training, seed).folder.name
        short = _short(recipe.digest, str(policy.checkpoint), own)
        return self.out / "rollouts" / target / f"{policy.training}-seed{seed}-{short}"

    def _rollouts(self, target: str, declared: Target, policy: Policy, seed: int) -> tuple[Recipe, tuple[str, ...]]:
        """The recipe of a policy's rollouts, and its overrides."""
        settings = {"base": self.plan.base, **policy.set}
        if policy.training != "base":
            settings["rollouts.policy"] = str(self._policy_checkpoint(target, declared, policy, seed))
        return load_recipe(declared.config, "rollouts", settings, seed=seed), _settings(settings)

    def _policy_checkpoint(self, target: str, declared: Target, policy: Policy, seed: int) -> Path:
        trained = self._one(target, declared, policy.training, seed)
        saved = trained.recipe.saved_steps
        place = policy.checkpoint - 1 if policy.checkpoint > 0 else policy.checkpoint
        return trained.checkpoints[saved[max(-len(saved), min(place, len(saved) - 1))]]

    def _part_steps(self, count: int) -> list[Step]:
        file = self._part_file(count)

        def sample() -> Sequence[str]:
            file.unlink(missing_ok=True)  # Left by a run that was killed right after writing it.
            return python_command("suite", "sample", self.plan.suite, "--count", str(count), "--out", file)

        def noise() -> Sequence[str]:
            return python_command("noise", self.plan.base, "--suite", file, "--out", self.runs, *self._engine())

        inputs = {"suite": self.suite.digest, "count": str(count)}
        return [
            Step(f"suite/part{count}", "suite", sample, inputs, (), (file,)),
            Step(f"noise/part{count}", "noise", noise, self._known(), (f"suite/part{count}",)),
        ]

    def _seed_steps(self, target: str, seed: int) -> list[Step]:
        declared, trained = self.plan.targets[target], self.of(target, seed)
        steps: list[Step] = []
        # Policies before those that learn from them, whatever the plan's order.
        for each in sorted(trained, key=lambda one: declared.trainings[one.name].policy is not None):
            policy = declared.trainings[each.name].policy
            needs: tuple[str, ...] = ()
            if policy is not None:
                rollouts = self._rollouts_step(target, declared, policy, each)
                if rollouts.key not in {step.key for step in steps}:
                    steps.append(rollouts)
                needs = (rollouts.key,)
            steps.append(self._train_step(each, needs))
        keys = tuple(each.key for each in trained)
        suite = f"suite/part{self.count(target)}"
        steps += [self._dynamics_step(each, suite) for each in trained] if self.plan.drift else []
        part = self._evaluate_step(target, seed, trained, (*keys, suite))
        # After it, as what it stored of the last checkpoints is not generated again.
        needs = (*keys, part.key, *((f"suite/part{self.plan.whole}",) if self.plan.whole else ()))
        return [*steps, part, self._whole_step(target, seed, trained, needs)]

    def _rollouts_step(self, target: str, declared: Target, policy: Policy, trained: Trained) -> Step:
        recipe, settings = self._rollouts(target, declared, policy, trained.seed)
        folder = trained.examples
        assert folder is not None, "a training with a policy learns from rollouts"
        needs = () if policy.training == "base" else (f"train/{target}/{policy.training}-seed{trained.seed}",)
        return Step(
            f"rollouts/{target}/{folder.name}",
            "rollouts",
            lambda: _train("rollouts", declared.config, trained.seed, settings, folder),
            {"recipe": recipe.digest, "base": self.base_digest, "checkpoint": str(policy.checkpoint)},
            needs,
            (folder / "about.json",),
        )

    def _train_step(self, trained: Trained, needs: tuple[str, ...]) -> Step:
        declared = self.plan.targets[trained.target]
        return Step(
            trained.key,
            f"train/{trained.recipe.method}",
            lambda: self._launched(
                _train(trained.recipe.method, declared.config, trained.seed, trained.settings, trained.folder)
            ),
            {"recipe": trained.recipe.digest, "base": self.base_digest},
            needs,
            (trained.last,),
        )

    def _launched(self, command: list[str]) -> list[str]:
        """A command of this Python, run by accelerate on the plan's devices where it names some."""
        if self._devices is None:
            return command
        python, *rest = command
        return [python, "-m", "accelerate.commands.launch", "--config_file", str(self._devices), *rest]

    def _evaluate_step(self, target: str, seed: int, trained: Sequence[Trained], needs: tuple[str, ...]) -> Step:
        family = self.family(target)

        def command() -> Sequence[str]:
            folders = [path for each in trained for path in each.checkpoints.values()]
            return self._evaluate(folders, self.part(target), family)

        return Step(f"evaluate/{target}/part-seed{seed}", "evaluate/part", command, self._how(family), needs)

    def _whole_step(self, target: str, seed: int, trained: Sequence[Trained], needs: tuple[str, ...]) -> Step:
        family = self.family(target)

        def command() -> Sequence[str]:
            for each in trained:
                link_checkpoint(each.last, self.model(each))
            kept = [self._keep(each, folder) for each in trained if (folder := self.kept(each)) is not None]
            return self._evaluate([*(self.model(each) for each in trained), *kept], self.whole, family)

        inputs = {**self._how(family), "suite": self.suite.digest} | ({"kept": "1"} if seed == self.plan.kept else {})
        return Step(f"evaluate/{target}/whole-seed{seed}", "evaluate/whole", command, inputs, needs)

    def _dynamics_step(self, trained: Trained, suite: str) -> Step:
        recipe, out = trained.recipe, self.dynamics(trained)
        sizes = {"prompts": str(self.plan.drift), "examples": "2", "probes": "1"}

        def command() -> Sequence[str]:
            out.parent.mkdir(parents=True, exist_ok=True)
            learnt = [str(trained.examples or source_reference(str(recipe.data.source), recipe.data.form))]
            learnt += [source_reference(recipe.replay.source, recipe.replay.form)] if recipe.replay else []
            words: list[str | Path] = [word for each in learnt for word in ("--train", each)]
            words += ["--probe", self.part(trained.target), "--target", recipe.target]
            words += [word for name, value in sizes.items() for word in (f"--{name}", value)]
            words += [word for path in trained.checkpoints.values() for word in ("--checkpoint", path)]
            return python_command("dynamics", self.plan.base, *words, "--json", out)

        key = f"dynamics/{trained.target}/{trained.name}-seed{trained.seed}"
        return Step(key, "dynamics", command, sizes, (trained.key, suite), (out,))

    def _keep(self, trained: Trained, folder: Path) -> Path:
        """Keep the last checkpoint as a delta, and make the folder of what that gives."""
        delta = folder.with_name(f"{folder.name}.safetensors")
        write_delta(self.base.path, trained.last, delta)
        shutil.rmtree(folder, ignore_errors=True)
        restore_delta(delta, self.base.path, folder)
        return folder

    def _evaluate(self, folders: Sequence[Path], suite: Path | str, family: str) -> list[str]:
        options = ("--suite", suite, "--target", family, "--out", self.runs)
        return python_command("evaluate", self.plan.base, *folders, *options, *self._engine(), "--json")

    def _engine(self) -> tuple[str, ...]:
        options = {"--engine": self.plan.engine, "--dtype": self.plan.dtype}
        return tuple(word for option, value in options.items() if value for word in (option, value))

    def _known(self) -> dict[str, str]:
        """What every evaluation depends on; a dtype only if stated, so that other plans keep their digests."""
        known = {"base": self.base_digest, "engine": self.plan.engine or ""}
        return known | ({"dtype": self.plan.dtype} if self.plan.dtype else {})

    def _how(self, family: str) -> dict[str, str]:
        return {**self._known(), "target": family}


def link_checkpoint(source: Path, folder: Path) -> None:
    """Fill ``folder`` with the files of the checkpoint ``source``, as hard links if the file system has them."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    for path in sorted(source.iterdir()):
        if path.is_file() and path.suffix in _MODEL_SUFFIXES:
            try:
                os.link(path, folder / path.name)
            except OSError:
                shutil.copyfile(path, folder / path.name)


def _train(method: str, config: str, seed: int, settings: Sequence[str], out: Path) -> list[str]:
    overrides = [word for setting in settings for word in ("--set", setting)]
    return python_command("train", method, "--config", config, "--seed", str(seed), *overrides, "--out", out)


def _settings(settings: Mapping[str, Scalar]) -> tuple[str, ...]:
    """``--set`` arguments that YAML reads back to the same values (it reads 1e-05 as a string)."""
    texts = {name: yaml.safe_dump(value, width=_NO_BREAK).splitlines()[0] for name, value in settings.items()}
    return tuple(f"{name}={text}" for name, text in texts.items())


def _short(*parts: str) -> str:
    """A short digest of all ``parts``, for names."""
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:8]
