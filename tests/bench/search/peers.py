"""Other search engines for `cargo xtask bench search`. Each speaks the protocol of docs/search-bench.md: JSON lines on
stdin and stdout.

    cargo xtask bench search --engine ours --engine 'optuna-tpe=python tests/bench/search/peers.py optuna-tpe'

Engine names and the packages that each needs:

    optuna-gp    optuna torch scipy      optuna-tpe   optuna
    optuna-cma   optuna cmaes            ax           ax-platform (brings botorch and torch)
    wandb        sweeps                  (W&B's own; needs an environment of its own)

Every engine runs with its default settings, and in one thread. Besom itself calls nothing in this file.
"""

import json
import logging
import os
import random
import sys
import warnings

for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[threads] = "1"
warnings.filterwarnings("ignore")


def limits(law):
    """Returns the kind of a numeric parameter: (whole, logarithmic, smallest, largest, step or None)."""
    kind, low, high = law["distribution"], law["min"], law["max"]
    if kind == "int_uniform":
        return True, False, int(low), int(high), None
    if kind == "q_log_uniform_values":
        if law.get("q", 1) != 1:
            raise ValueError("steps on a logarithmic scale are whole numbers here")
        return True, True, int(low), int(high), None
    if kind == "q_uniform":
        return False, False, float(low), float(high), float(law["q"])
    if kind in ("uniform", "log_uniform_values"):
        return False, kind == "log_uniform_values", float(low), float(high), None
    raise ValueError(f"no distribution {kind!r} here")


class Optuna:
    """Optuna: `study.ask` with fixed distributions, and `study.tell`."""

    def __init__(self, sampler, **options):
        import optuna

        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self.optuna, self.sampler, self.options = optuna, getattr(optuna.samplers, sampler), options

    def law(self, law):
        kinds = self.optuna.distributions
        if law["distribution"] == "categorical":
            return kinds.CategoricalDistribution(law["values"])
        whole, logarithmic, low, high, step = limits(law)
        if whole:
            return kinds.IntDistribution(low, high, log=logarithmic)
        return kinds.FloatDistribution(low, high, log=logarithmic, step=step)

    def begin(self, space, seed):
        self.laws = {name: self.law(law) for name, law in space.items()}
        self.study = self.optuna.create_study(sampler=self.sampler(seed=seed, **self.options))

    def ask(self):
        trial = self.study.ask(self.laws)
        return trial.number, trial.params

    def tell(self, number, value):
        self.study.tell(number, value)


class Ax:
    """Ax's client with the generation strategy that it chooses itself."""

    def __init__(self):
        logging.disable(logging.ERROR)
        import torch
        from ax.api import client, configs

        torch.set_num_threads(1)
        self.client_type, self.configs = client.Client, configs

    def parameter(self, name, law):
        if law["distribution"] == "categorical":
            places = list(range(len(law["values"])))
            return self.configs.ChoiceParameterConfig(
                name=name, values=places, parameter_type="int", is_ordered=False
            )
        whole, logarithmic, low, high, step = limits(law)
        return self.configs.RangeParameterConfig(
            name=name,
            bounds=(low, high),
            parameter_type="int" if whole else "float",
            scaling="log" if logarithmic else "linear",
            step_size=step,
        )

    def begin(self, space, seed):
        self.space = space
        self.client = self.client_type(random_seed=seed)
        self.client.configure_experiment([self.parameter(name, law) for name, law in space.items()])
        self.client.configure_optimization(objective="-loss")

    def ask(self):
        ((number, chosen),) = self.client.get_next_trials(max_trials=1).items()
        values = {}
        for name, law in self.space.items():
            choice = chosen[name]
            values[name] = law["values"][int(choice)] if law["distribution"] == "categorical" else choice
        return number, values

    def tell(self, number, value):
        self.client.complete_trial(trial_index=number, raw_data={"loss": value})


class Wandb:
    """The search that W&B's server runs: `sweeps.next_run` with method bayes."""

    def __init__(self):
        import numpy
        import sweeps

        self.numpy, self.sweeps = numpy, sweeps

    def begin(self, space, seed):
        self.numpy.random.seed(seed % 2**32)
        random.seed(seed)
        self.runs = []
        self.config = {
            "method": "bayes",
            "metric": {"name": "loss", "goal": "minimize"},
            "parameters": space,
        }

    def ask(self):
        run = self.sweeps.next_run(self.config, self.runs)
        run.state = self.sweeps.RunState.running
        self.runs.append(run)
        return len(self.runs) - 1, {name: entry["value"] for name, entry in run.config.items()}

    def tell(self, number, value):
        run = self.runs[number]
        run.state = self.sweeps.RunState.finished
        run.summary_metrics = {"loss": value}
        run.history = [{"loss": value}]


PEERS = {
    "optuna-gp": lambda: Optuna("GPSampler"),
    "optuna-tpe": lambda: Optuna("TPESampler"),
    "optuna-cma": lambda: Optuna("CmaEsSampler", warn_independent_sampling=False),
    "ax": Ax,
    "wandb": Wandb,
}


def plain(value):
    """Converts a number of numpy to one of Python."""
    return value.item() if hasattr(value, "item") else value


def answer(peer, request):
    if request["op"] == "init":
        peer.begin(request["space"], request["seed"])
        return {"ok": True}
    if request["op"] == "ask":
        number, values = peer.ask()
        return {"id": number, "params": {name: plain(value) for name, value in values.items()}}
    peer.tell(request["id"], request["value"])
    return {"ok": True}


def main():
    if len(sys.argv) != 2 or sys.argv[1] not in PEERS:
        sys.exit(f"usage: peers.py {'|'.join(PEERS)}")
    # Only replies go to stdout; what a library prints goes to stderr.
    replies, sys.stdout = sys.stdout, sys.stderr
    peer = PEERS[sys.argv[1]]()
    for line in sys.stdin:
        try:
            reply = answer(peer, json.loads(line))
        except Exception as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), file=replies, flush=True)


if __name__ == "__main__":
    main()
