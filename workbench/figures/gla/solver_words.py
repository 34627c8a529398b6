"""What the solver theatre says at each learning rate and iteration."""

from __future__ import annotations

from workbench.figures.gla.wording import say_distance
from workbench.figures.wording import each
from workbench.methods.gla.solver import Result, Run


def say_states(result: Result, run: Run, classes: str) -> list[list[str]]:
    def say(r: int, i: int) -> str:
        rate, iteration = 10.0 ** result.log10_rates[r], int(result.iterations[i])
        head = f"With {classes}, learning rate {rate:.2g}, iteration {iteration:,}: "
        failed = run.failed_at[r]
        if failed is not None and iteration >= failed:
            return (
                f"{head}the solver has failed. At iteration {failed} an entry of q fell to zero or "
                "below, and its logarithm ended. Take a smaller learning rate."
            )
        kl, total = float(run.kl_to_truth[r, i]), float(run.sums[r, i])
        judged = (
            "as near as the labelled pictures allow"
            if kl < 1.3 * run.kl_optimum + 0.002
            else f"the best fit is {say_distance(run.kl_optimum)} away, the uniform start "
            f"{say_distance(run.kl_uniform)}"
        )
        return (
            f"{head}q sums to {total:.3f} and, normalised, is {say_distance(kl)} nats from the "
            f"planted prior; {judged}. A sum other than 1 does no harm: a constant added to all "
            "logits changes no guess."
        )

    return each(say, len(result.log10_rates), len(result.iterations))
