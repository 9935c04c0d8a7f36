"""Runs the system tests of wandb's repository against Besom's controller.

A plugin of pytest, loaded with `-p besom_judge`. The tests ask a service for new users and
find their server with a tool of the repository. Here both come from a pool: users that were
made in the controller's data folder before the controller started (see run.sh).

Environment:
    JUDGE_ADDRESS  host:port of the controller
    JUDGE_POOL     a file with one `name key` a line
    JUDGE_NEXT     a file that holds the number of users taken so far
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import sys
import types
from pathlib import Path

import pytest

# The client must not be imported here: it takes hold of the standard output when it is
# imported, and pytest replaces the standard output after it has loaded this plugin.

#: The key of each user that was taken.
KEYS: dict[str, str] = {}


def take_user() -> str:
    """Takes the next user of the pool, also beside other processes that take users."""
    pool = Path(os.environ["JUDGE_POOL"]).read_text().splitlines()
    with open(os.environ["JUDGE_NEXT"], "a+") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        file.seek(0)
        number = int(file.read() or 0)
        file.seek(0)
        file.truncate()
        file.write(str(number + 1))
    if number >= len(pool):
        pytest.fail("The pool of users is empty: make a larger one.")
    name, key = pool[number].split()
    KEYS[name] = key
    return name


def key_of(name: str) -> str:
    """The key of a user. Anything else is a key already."""
    return KEYS.get(name, name)


class Backend:
    """Stands for the repository's service that makes users."""

    def __init__(self, service_url: str, worker_id: str) -> None:
        pass

    def __enter__(self) -> Backend:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def make_user(self, name: str | None = None, admin: bool = False) -> str:
        return take_user()

    def make_org(self, name: str | None = None, *, username: str = "") -> str:
        pytest.skip("Besom has no organizations.")

    def make_team(self, *_: object, **__: object) -> None:
        pytest.skip("Besom has no organizations.")


@contextlib.contextmanager
def logged_in_user(backend: Backend):
    """A new user, whose name and key are in the environment."""
    name = backend.make_user()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WANDB_API_KEY", key_of(name))
        patch.setenv("WANDB_ENTITY", name)
        patch.setenv("WANDB_USERNAME", name)
        yield name


def connect_tests() -> None:
    """Replaces what the conftest of the tests takes from the repository's service."""
    from tests.system_tests import backend_fixtures

    host, port = os.environ["JUDGE_ADDRESS"].split(":")
    # No service listens on the fixture port.
    address = backend_fixtures.LocalWandbBackendAddress(host, int(port), fixture_port=1)
    backend_fixtures.connect_to_local_wandb_backend = lambda name: address
    backend_fixtures.BackendFixtureFactory = Backend


def accept_names_as_keys() -> None:
    """The tests take a user's name as the key. The client gets the real key instead."""
    from wandb.sdk.lib import wbauth

    begin = wbauth.AuthApiKey.__init__

    def begin_with_key(self, *, host, api_key):
        begin(self, host=host, api_key=key_of(api_key))

    wbauth.AuthApiKey.__init__ = begin_with_key


class Internal:
    """Stands for a class of older clients. Newer clients have functions instead."""

    @property
    def api(self) -> Internal:
        return self

    def upsert_sweep(self, **options: object) -> object:
        import wandb
        from wandb.apis.public import sweeps

        return sweeps._upsert_sweep(wandb.Api(), **options)

    def _validate_config_and_fill_distribution(self, config: dict) -> dict:
        from wandb.apis.public import sweeps

        return sweeps._validate_config_and_fill_distribution(config)


def bridge_versions() -> None:
    """Gives tests of an older client the names that newer clients no longer have."""
    import wandb
    from wandb.cli import cli

    if hasattr(wandb.apis, "InternalApi"):
        return
    wandb.apis.InternalApi = Internal
    cli._api = None
    cli._get_cling_api = lambda reset=False: None
    for name in ("internal_api", "sender"):
        module = types.ModuleType(f"wandb.sdk.internal.{name}")
        module.Api = Internal
        sys.modules[module.__name__] = module
        setattr(wandb.sdk.internal, name, module)


def pytest_plugin_registered(plugin: object) -> None:
    """Replaces things as soon as the repository's own conftest files are loaded."""
    name = getattr(plugin, "__name__", "")
    if name == "tests.conftest":
        connect_tests()
        accept_names_as_keys()
        bridge_versions()
    elif name == "tests.system_tests.conftest":
        plugin._user = logged_in_user
