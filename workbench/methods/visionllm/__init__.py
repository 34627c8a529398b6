"""VisionLLM: Wang et al., NeurIPS 2023, arXiv:2305.11175.

An instruction in words names the classes, the format and the task; a decoder fills in the template
that it asks for. No code and no weights of it were published: what the paper prints is followed,
and what it leaves open is marked as our choice where it stands.
"""

from workbench.methods.visionllm.coco import to_coco
from workbench.methods.visionllm.console import CONSOLE
from workbench.methods.visionllm.decoding import Answer, Slots, decode
from workbench.methods.visionllm.guidance import GUIDANCE
from workbench.methods.visionllm.instructions import write_instruction
from workbench.methods.visionllm.ledger import LEDGER
from workbench.methods.visionllm.matching import Candidates, Truth, match
from workbench.methods.visionllm.offsets import decode_offsets, encode_offsets
from workbench.methods.visionllm.parsing import parse_instruction
from workbench.methods.visionllm.precision import average_precision
from workbench.methods.visionllm.quantisation import QUANTISATION
from workbench.methods.visionllm.race import RACE
from workbench.methods.visionllm.reached import REACHED
from workbench.methods.visionllm.shuffle import SHUFFLE
from workbench.methods.visionllm.single_names import SINGLE_NAMES
from workbench.methods.visionllm.task import Entry, Task
from workbench.methods.visionllm.token_map import TOKEN_MAP
from workbench.methods.visionllm.wheel import WHEEL
from workbench.methods.visionllm.xray import XRAY

STUDIES = (
    REACHED,
    CONSOLE,
    WHEEL,
    LEDGER,
    TOKEN_MAP,
    GUIDANCE,
    SHUFFLE,
    SINGLE_NAMES,
    QUANTISATION,
    RACE,
    XRAY,
)

__all__ = [
    "CONSOLE",
    "GUIDANCE",
    "LEDGER",
    "QUANTISATION",
    "RACE",
    "REACHED",
    "SHUFFLE",
    "SINGLE_NAMES",
    "STUDIES",
    "TOKEN_MAP",
    "WHEEL",
    "XRAY",
    "Answer",
    "Candidates",
    "Entry",
    "Slots",
    "Task",
    "Truth",
    "average_precision",
    "decode",
    "decode_offsets",
    "encode_offsets",
    "match",
    "parse_instruction",
    "to_coco",
    "write_instruction",
]
