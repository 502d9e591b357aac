"""The border to Hydra: files and overrides in, plain dicts out. Nothing else of the engine knows Hydra.

A piece must not be able to run code, so no Hydra callback, logger or instantiation is ever reached from here,
and the resolver that reads the environment is taken away.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pipelines.mistakes import Mistake, MistakeError, listed, mistake, nearest

CONF = Path(__file__).resolve().parent.parent / "conf"
GROUP = "resynthesis.conf"


@dataclass(frozen=True)
class Composed:
    """One composed job.

    Parameters
    ----------
    config
        Everything but Hydra's own part, resolved, as plain dicts and lists.
    piece_name
        The chosen piece, 'after_1935/sketch'.
    overrides
        What was given on the command line.
    sweeps
        Whether the configuration asks for a sweep by itself (`hydra.mode: MULTIRUN`).
    """

    config: dict[str, Any]
    piece_name: str
    overrides: tuple[str, ...]
    sweeps: bool = False


def compose(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> Composed:
    """Compose one configuration.

    Raises
    ------
    MistakeError
        Where a file, a choice or an override is wrong.
    """
    with _said_plainly(config_dirs):
        from hydra.types import RunMode

        loader = _loader(config_dirs)
        return _plain(loader.load_configuration("config", _open(overrides), RunMode.RUN), overrides)


def pieces(config_dirs: Sequence[Path] = ()) -> dict[str, str]:
    """Return every piece by name, with the first comment line of its file."""
    found: dict[str, str] = {}
    for folder in [CONF, *_package_folders(), *config_dirs]:
        root = folder / "piece"
        for path in sorted(root.rglob("*.yaml")):
            found.setdefault(path.relative_to(root).with_suffix("").as_posix(), _first_comment(path))
    return found


def sweep(
    overrides: Sequence[str], config_dirs: Sequence[Path], run: Callable[[Sequence[Composed]], Sequence[Any]]
) -> None:
    """Let the configured Hydra sweeper choose jobs; `run` gets each batch, wholly composed beforehand.

    Raises
    ------
    MistakeError
        Where a file, a choice or an override is wrong.
    """
    with _said_plainly(config_dirs):
        from hydra.core.plugins import Plugins
        from hydra.types import HydraContext, RunMode

        loader = _loader(config_dirs)
        config = loader.load_configuration("config", _open(overrides), RunMode.MULTIRUN)
        _refuse_code(config)
        context = HydraContext(config_loader=loader, callbacks=_no_callbacks())
        sweeper = Plugins.instance().instantiate_sweeper(
            hydra_context=context, task_function=lambda _: None, config=config
        )
        arguments = list(config.hydra.overrides.task)
    sweeper.launcher = _Batches(loader, config, config_dirs, run)
    with _said_plainly(config_dirs):
        sweeper.sweep(arguments=arguments)


class _Batches:
    """Takes the place of Hydra's launcher: composes a whole batch, then hands it to `run`."""

    def __init__(
        self,
        loader: Any,
        master: Any,
        config_dirs: Sequence[Path],
        run: Callable[[Sequence[Composed]], Sequence[Any]],
    ) -> None:
        self.loader, self.master, self.config_dirs, self.run = loader, master, config_dirs, run

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Run a batch of jobs; called by the sweeper."""
        from hydra.core.utils import JobReturn, JobStatus

        jobs = [
            _plain(self.loader.load_sweep_config(self.master, list(overrides)), overrides)
            for overrides in job_overrides
        ]
        returns = []
        for overrides, value in zip(job_overrides, self.run(jobs), strict=True):
            job = JobReturn(overrides=list(overrides), status=JobStatus.COMPLETED)
            job.return_value = value
            returns.append(job)
        return returns


def _loader(config_dirs: Sequence[Path]) -> Any:
    from hydra._internal.config_loader_impl import ConfigLoaderImpl
    from hydra._internal.utils import create_config_search_path
    from hydra.core.utils import JobRuntime, setup_globals
    from omegaconf import OmegaConf

    setup_globals()
    OmegaConf.clear_resolver("oc.env")
    JobRuntime().set("name", "resynthesis")
    search_path = create_config_search_path(str(CONF))
    for folder in [*_package_folders(), *config_dirs]:
        if not folder.is_dir():
            raise mistake("there is no such folder", parameter="--config-dir", given=str(folder))
        search_path.append(provider="resynthesis", path=f"file://{folder.absolute()}", anchor="main")
    return ConfigLoaderImpl(config_search_path=search_path)


def _package_folders() -> Iterator[Path]:
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        found = find_spec(point.value)
        for folder in (found.submodule_search_locations or []) if found else []:
            yield Path(folder)


def _plain(config: Any, overrides: Sequence[str]) -> Composed:
    from omegaconf import OmegaConf, open_dict

    _refuse_code(config)
    piece_name = str(config.hydra.runtime.choices.get("piece"))
    sweeps = str(config.hydra.mode or "").endswith("MULTIRUN")
    with open_dict(config):
        del config["hydra"]
    content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(content, dict)
    given = tuple(override.removeprefix("++") for override in overrides)
    return Composed({str(k): v for k, v in content.items()}, piece_name, given, sweeps)


def _open(overrides: Sequence[str]) -> list[str]:
    """Let overrides of a piece add keys that it does not mention; the graph knows which ones there are."""
    return [f"++{override}" if override.startswith("piece.") else override for override in overrides]


def _refuse_code(config: Any) -> None:
    """Refuse what Hydra would run: a piece file with `@package _global_` could bring it in."""
    callbacks = config.hydra.get("callbacks")
    if callbacks:
        raise mistake(
            "a configuration cannot bring Hydra callbacks: they are code",
            parameter="hydra.callbacks",
            given=listed(callbacks),
            hint="take them out of the piece",
        )


def _no_callbacks() -> Any:
    from hydra._internal.callbacks import Callbacks

    return Callbacks()


def _first_comment(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as file:
        for line in file:
            text = line.lstrip("# ").strip()
            if line.startswith("#") and text and not text.startswith("@package"):
                return text
            if line.strip() and not line.startswith("#"):
                break
    return ""


@contextmanager
def _said_plainly(config_dirs: Sequence[Path]) -> Iterator[None]:
    """Turn whatever Hydra, OmegaConf and YAML raise into one mistake."""
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except MistakeError:
        raise
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError) as error:
        raise MistakeError(_explain(error, config_dirs)) from error
    except RecursionError as error:
        raise mistake("the configuration is nested too deeply, or refers to itself") from error
    except OSError as error:
        raise mistake(f"a configuration file cannot be read: {error}") from error


def _explain(error: Exception, config_dirs: Sequence[Path]) -> Mistake:
    text = _innermost(error)
    if missing := re.search(r"Could not find 'piece/([^']*)'|[Cc]ould not find 'piece: ([^']*)'", text):
        return _no_piece(missing[1] or missing[2], config_dirs)
    if "You must specify 'piece'" in text:
        names = list(pieces(config_dirs))
        return Mistake("no piece is chosen", parameter="piece", allowed=listed(names), hint=f"piece={names[0]}")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if group := re.search(r"Could not override '([\w./@]+)'", text):
        return Mistake(lines[0], hint=_override_hint(group[1], error))
    return Mistake(" ".join(lines) or type(error).__name__)


def _no_piece(name: str, config_dirs: Sequence[Path]) -> Mistake:
    names = list(pieces(config_dirs))
    return Mistake(f"there is no piece '{name}'", "", "piece", name, listed(names), nearest(name, names))


def _override_hint(key: str, error: Exception) -> str:
    groups = [path.name for path in CONF.iterdir() if path.is_dir()]
    near = nearest(key, [*groups, "store", "renders", "records", "device", "threads"])
    return near or f"to add a key that is not there yet, write +{key}=…"


def _innermost(error: BaseException) -> str:
    texts = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        texts.append(str(error))
    return "\n".join(dict.fromkeys(text for text in texts if text))
