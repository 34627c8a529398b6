"""Serve the workbench from a Ray cluster: replicas of the engine behind the one HTTP home."""

from __future__ import annotations

import contextlib
import logging
import os
import secrets
import tempfile
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from typing import Any

from workbench.errors import InputError
from workbench.server.devices import BUDGET_SHARE, MIB, find_device, usable_cores
from workbench.server.exposure import check_exposure
from workbench.server.http import JOBS_BESIDE_THE_QUEUE
from workbench.server.jobs import ServedClient
from workbench.server.operation import Operation
from workbench.settings import Settings

log = logging.getLogger(__name__)

APPLICATION = "workbench"
DEPLOYMENT = "Engine"
TARGET_ONGOING_REQUESTS = 8
"""Requests a replica should have on the average; with more, another is started."""
UPSCALE_DELAY_S = 30.0
DOWNSCALE_DELAY_S = 600.0
"""How long replicas must have had too much, or too little, before one is started or stopped."""
HEALTH_CHECK_PERIOD_S = 2.0
OBJECT_STORE_BYTES = 512 * MIB
"""Room for answers on their way between processes, on a cluster of this machine alone."""

BuildEngine = Callable[[], ServedClient]


def serve_on_cluster(settings: Settings, *, host: str, port: int) -> None:
    """Serve the workbench's models from a cluster until the process is told to stop.

    Raises:
        InputError: Ray is not installed or not reachable, the address is taken, or it is open to
            the network and there is no token.
    """
    check_exposure(host, settings.token.get_secret_value())
    check_ray()
    from workbench.server.operations.catalog import OPERATIONS

    build = partial(build_engine, for_replicas(settings))
    serve_replicas(settings, build, OPERATIONS, host=host, port=port)


def serve_replicas(
    settings: Settings,
    build: BuildEngine,
    operations: Iterable[Operation],
    *,
    host: str,
    port: int,
) -> None:
    """Serve replicas of an engine until the process is told to stop.

    Args:
        settings: of the cluster and the HTTP home.
        build: makes the engine of a replica, in its process; must be importable there.
        operations: what it can do.
        host: address to listen on.
        port: port to listen on.

    Raises:
        InputError: Ray is not reachable, or the address is taken.
    """
    prepare_environment(is_own=not settings.cluster_address)
    from workbench.server.cluster.client import ClusterClient
    from workbench.server.serve import serve_engine

    with deployed(settings, build) as replicas:
        client = ClusterClient(replicas, operations, max_deadline_s=settings.max_deadline_s)
        with contextlib.closing(client):
            serve_engine(client, for_front(settings), host=host, port=port)


def prepare_environment(*, is_own: bool) -> None:
    """Set what Ray reads as it is imported; so nothing may have imported it before.

    A cluster of its own asks whoever connects for a token that is made afresh and kept in memory:
    without it, any user of the machine could run code as its owner.

    Args:
        is_own: whether Ray is started on this machine alone, rather than joined elsewhere.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # nothing calls home
    # Ray would start a second cluster for whatever a thread asks of it after the end of the first
    os.environ["RAY_ENABLE_AUTO_CONNECT"] = "0"
    os.environ.setdefault("RAY_DEDUP_LOGS", "0")  # two users' equal lines are two lines
    os.environ.setdefault("RAY_COLOR_PREFIX", "0")  # a log that is kept is no terminal
    if is_own:
        os.environ["RAY_AUTH_MODE"] = "token"
        os.environ["RAY_AUTH_TOKEN"] = secrets.token_hex(32)


def hear_ray() -> None:
    """Have what Ray says in this process written as every other line is, from warnings on."""
    for name in ("ray", "ray.serve"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)


def check_ray() -> None:
    """Refuse to go on without Ray.

    Raises:
        InputError: says how to install it.
    """
    from importlib.util import find_spec

    if find_spec("ray") is None:
        raise InputError(
            "A cluster needs Ray, which is not installed. Install it with "
            "`pip install 'foundation-model-workbench[cluster]'`, or serve without --cluster."
        )


def for_front(settings: Settings) -> Settings:
    """The settings of the HTTP home: it holds the jobs of every replica there may be."""
    return settings.model_copy(
        update={"queue_limit": settings.queue_limit * settings.cluster_max_replicas}
    )


def for_replicas(settings: Settings) -> Settings:
    """The settings of a replica, without secrets: Ray keeps them where the cluster can read them.

    A replica takes as many threads as it has cores to itself.
    """
    empty = Settings.model_fields
    return settings.model_copy(
        update={
            "token": empty["token"].default,
            "password": empty["password"].default,
            "torch_threads": settings.torch_threads or max(1, int(settings.cluster_cpus)),
        }
    )


def build_engine(settings: Settings) -> ServedClient:
    """The engine of one replica, in its own process.

    Models may take the replica's share of what is free: a replica with half a device takes half.
    """
    from workbench.logs import start_logging
    from workbench.server.local import open_engine

    start_logging(settings.log_level, settings.log_format)
    if not settings.model_budget_mib:
        found = find_device(settings.device)
        on_processor = found.name == "cpu"
        share = settings.cluster_cpus / usable_cores() if on_processor else settings.cluster_gpus
        budget = found.free_bytes * BUDGET_SHARE * min(1.0, share or 1.0)
        settings = settings.model_copy(update={"model_budget_mib": max(1, int(budget / MIB))})
    return open_engine(settings)


@contextlib.contextmanager
def deployed(settings: Settings, build: BuildEngine) -> Iterator[Any]:
    """Replicas on a cluster while the block runs; yields their handle.

    A cluster of this machine alone ends with the block. On a cluster at an address the replicas
    stay, and are found there by whoever serves next: their models stay loaded.

    Args:
        settings: address and size of the cluster.
        build: makes the engine of a replica, in its process; must be importable there.

    Raises:
        InputError: the cluster cannot be reached.
    """
    with ray_running(settings):
        from ray import serve

        hear_ray()
        quiet = {"enable_access_log": False, "log_level": "WARNING"}
        serve.start(proxy_location="Disabled", logging_config=quiet)
        if APPLICATION in serve.status().applications:
            log.info("joining the replicas that run already, with the settings they have")
            yield serve.get_app_handle(APPLICATION)
            return
        log.info("starting replicas; the first takes half a minute")
        application = deployment(settings).options(logging_config=quiet)
        limit = open_limit(settings)
        yield serve.run(application.bind(build, limit), name=APPLICATION, route_prefix=None)


def open_limit(settings: Settings) -> int:
    """Requests that may be unfinished at once, in all and on each replica.

    It is the HTTP home's own limit, so that a request is refused there or by an engine, which say
    when to come back, and never waits unseen in Ray.
    """
    return for_front(settings).queue_limit + JOBS_BESIDE_THE_QUEUE


def deployment(settings: Settings) -> Any:
    """The deployment of ``EngineReplica`` that the settings ask for."""
    from ray import serve
    from ray.serve.config import AutoscalingConfig, RequestRouterConfig

    from workbench.server.cluster.replica import EngineReplica
    from workbench.server.cluster.routing import EVERY_REPLICA, KeyRouter

    scaling = AutoscalingConfig(
        min_replicas=settings.cluster_min_replicas,
        max_replicas=max(settings.cluster_min_replicas, settings.cluster_max_replicas),
        target_ongoing_requests=TARGET_ONGOING_REQUESTS,
        upscale_delay_s=UPSCALE_DELAY_S,
        downscale_delay_s=DOWNSCALE_DELAY_S,
    )
    routing: dict[str, Any] = {
        "request_router_class": KeyRouter,
        "request_router_kwargs": {"num_fallback_replicas": EVERY_REPLICA},
    }
    return serve.deployment(name=DEPLOYMENT)(EngineReplica).options(
        autoscaling_config=scaling,
        max_ongoing_requests=open_limit(settings),
        ray_actor_options={
            "num_cpus": settings.cluster_cpus,
            "num_gpus": gpus_of_a_replica(settings),
        },
        graceful_shutdown_timeout_s=settings.grace_s,
        health_check_period_s=HEALTH_CHECK_PERIOD_S,
        request_router_config=RequestRouterConfig(**routing),
    )


def gpus_of_a_replica(settings: Settings) -> float:
    """GPUs, or the part of one, that each replica takes: as set, else one where there are any."""
    import ray

    if settings.device in ("cpu", "mps"):
        return 0.0
    return settings.cluster_gpus or min(1.0, ray.cluster_resources().get("GPU", 0.0))


@contextlib.contextmanager
def ray_running(settings: Settings) -> Iterator[None]:
    """Ray while the block runs: the cluster at the address of the settings, or one of its own.

    Raises:
        InputError: there is no cluster at the address, it wants another token, or Ray does not
            start here.
    """
    import ray

    options: dict[str, Any] = {"address": settings.cluster_address}
    if not settings.cluster_address:
        options = {"include_dashboard": False, "object_store_memory": OBJECT_STORE_BYTES}
    with tempfile.TemporaryDirectory(prefix="workbench-ray-", ignore_cleanup_errors=True) as folder:
        if not settings.cluster_address:
            options["_temp_dir"] = folder
        try:
            ray.init(
                logging_level=logging.WARNING,
                # a line of JSON must not get Ray's prefix; then it stays in Ray's own folder
                log_to_driver=settings.log_format == "text",
                **options,
            )
        except Exception as error:  # Ray says by a bare one that its processes start too slowly
            raise InputError(_no_ray(settings.cluster_address, str(error))) from error
        try:
            yield
        finally:
            ray.shutdown()


def _no_ray(address: str, reason: str) -> str:
    first_line = reason.strip().partition("\n")[0].rstrip(".") + "."
    if not address:
        return f"Ray does not start on this machine: {first_line} Serve without --cluster instead."
    return (
        f"Cannot join the Ray cluster at {address!r}: {first_line} Start it with `ray start "
        "--head`, give RAY_AUTH_TOKEN its token, or leave WORKBENCH_CLUSTER_ADDRESS empty."
    )
