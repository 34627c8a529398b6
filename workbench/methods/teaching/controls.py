"""Controls that several studies of this method share."""

from __future__ import annotations

from workbench.params import WRITERS, Choice, Flag, Model

TASKS = ("strategyqa", "ecqa", "gsm8k")
TASK_NAMES = ("Yes or no (StrategyQA)", "Five choices (ECQA)", "Sums (GSM8K)")
TASK = Choice(TASKS, "Questions", names=TASK_NAMES)
DEFAULT_MODEL = "smollm2-135m-instruct"
KNOWN = Flag(
    "The teacher knows the answers",
    help="If not, the answer it would give itself stands in for the right one.",
)
REASONS = Flag(
    "The mental model imagines reasons",
    help="Its examples show the student's reasons too, as in the paper's figure; otherwise only "
    "answers, as in the released code.",
)
CHAT = Flag(
    "Use the chat template",
    help="Examples and question become turns of a conversation, for models that have a template.",
)


def language_model(label: str, note: str = "", kinds: tuple[str, ...] = WRITERS) -> Model:
    """A control for any language model that can play a role.

    Args:
        label: the role.
        note: one sentence under the control.
        kinds: of model: all that write, or only those that also tell probabilities.
    """
    return Model(kinds, label, note)
