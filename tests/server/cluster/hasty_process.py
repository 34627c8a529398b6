"""A cluster on fakes that grows and shrinks within seconds; for the benchmark."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.server.cluster.cluster_process import main
from workbench.server.cluster import serve

if __name__ == "__main__":
    serve.UPSCALE_DELAY_S = serve.DOWNSCALE_DELAY_S = 1.0
    main(int(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
