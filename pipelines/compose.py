"""The border to Hydra: files and overrides in, plain dicts out. Nothing else of the engine knows Hydra.

A piece may come from anybody, so it is composed by itself: it cannot reach the settings, nor Hydra's own part,
where callbacks, loggers and launchers are code; nor a file outside the configuration folders; nor the environment.
"""

from __future__ import annotations

import fnmatch
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
_HYDRA = re.compile(r"[+~]*hydra\b")
_PIECE_PARTS = r"/?(piece|section)/[^:]*"


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
    config_dirs
        The composer's own folders of configurations.
    """

    config: dict[str, Any]
    piece_name: str
    overrides: tuple[str, ...]
    config_dirs: tuple[Path, ...] = ()


def compose(overrides: Sequence[str], config_dirs: Sequence[Path] = ()) -> Composed:
    """Compose the settings and one piece.

    Raises
    ------
    MistakeError
        Where a file, a choice or an override is wrong.
    """
    with _said_plainly():
        loader = _loader(config_dirs)
        given = _Overrides.read([_quoted(override) for override in overrides])
        settings = _configuration(loader, "config", given.settings)
        settings.pop("hydra", None)
    with _said_plainly("piece."):
        choice = f"+piece@_global_='{_known_piece(given.name, config_dirs)}'"  # at the top, not below its folder's name
        piece = _configuration(loader, None, [choice, *given.piece], _PIECE_PARTS)
        shown = tuple(override.removeprefix("++") for override in overrides)
        return Composed({**settings, "piece": piece}, given.name, shown, tuple(config_dirs))


@dataclass(frozen=True)
class _Overrides:
    """Overrides, parted into the name of the piece, those of the piece (their 'piece.' taken off), and the rest."""

    name: str
    piece: list[str]
    settings: list[str]

    @staticmethod
    def read(overrides: Sequence[str]) -> _Overrides:
        name, piece, settings = "", [], []
        for override in overrides:
            match = re.fullmatch(r"(\+\+|\+|~)?([^=]*?)(=.*)?", override, re.DOTALL)
            assert match is not None
            sign, key, value = match[1] or "", match[2], match[3] or ""
            if key == "piece" and not sign:
                name = value.removeprefix("=").strip("'\"")
            elif key.startswith("piece.") or "@piece." in key:
                bare = key.removeprefix("piece.").replace("@piece.", "@")
                # a piece need not mention what is overridden: the graph knows which keys there are
                piece.append(f"{sign or ('' if '@' in key else '++')}{bare}{value}")
            elif not _HYDRA.match(override):  # those of Hydra concern sweeps only
                settings.append(override)
        return _Overrides(name, piece, settings)


def _quoted(override: str) -> str:
    """Put the value of an override in quotes where Hydra's grammar cannot read it, such as accents and apostrophes."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    key, equals, value = override.partition("=")
    try:
        OverridesParser.create().parse_override(override)
    except HydraException:
        if equals and value and value[0] not in "'\"[{(":
            escaped = value.strip().replace("\\", "\\\\").replace('"', '\\"')
            return f'{key.strip()}="{escaped}"'
    return override


def _known_piece(name: str, config_dirs: Sequence[Path]) -> str:
    names = list(_piece_files(config_dirs))
    if not name:
        raise mistake("no piece is chosen", parameter="piece", allowed=listed(names), hint=f"piece={names[0]}")
    if name not in names:
        raise mistake(f"there is no piece '{name}'", given=name, allowed=listed(names), hint=nearest(name, names))
    return name


def _configuration(loader: Any, name: str | None, overrides: list[str], parts: str = "") -> dict[str, Any]:
    """Compose one configuration without Hydra's own part.

    Parameters
    ----------
    loader
        From `_loader`.
    name
        The file to begin with, if any.
    overrides
        In Hydra's grammar.
    parts
        Pattern of the files that it may build on; '' for any.
    """
    from hydra._internal.config_repository import CachingConfigRepository
    from hydra._internal.defaults_list import create_defaults_list
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from omegaconf import OmegaConf

    parsed = OverridesParser.create().parse_overrides(overrides)
    sweeping = next((str(o.input_line).lstrip("+") for o in parsed if o.is_sweep_override()), None)
    if sweeping:
        raise mistake(
            "several values are given, which makes a sweep", given=sweeping, hint="add -m, or quote the value"
        )
    repository = CachingConfigRepository(loader.repository)
    found = create_defaults_list(
        repo=repository, config_name=name, overrides_list=parsed, prepend_hydra=False, skip_missing=False
    )
    for path in (default.config_path or "" for default in found.defaults):
        if parts and path and (not re.fullmatch(parts, path) or ".." in path.split("/")):
            raise mistake(
                "a piece can build on pieces and sections only",
                parameter="defaults",
                given=path,
                allowed="section/NAME or piece/NAME of the configuration folders",
            )
    config = loader._compose_config_from_defaults_list(defaults=found.defaults, repo=repository)
    OmegaConf.set_struct(config, True)
    loader._apply_overrides_to_config(found.config_overrides, config)
    content = OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
    assert isinstance(content, dict)
    return {str(key): value for key, value in content.items()}


def pieces(config_dirs: Sequence[Path] = ()) -> dict[str, str]:
    """Return every piece by name, with the first comment line of its file."""
    return {name: _first_comment(path) for name, path in _piece_files(config_dirs).items()}


def _piece_files(config_dirs: Sequence[Path]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for folder in [CONF, *_package_folders(), *config_dirs]:
        root = folder / "piece"
        for path in sorted(path for path in root.rglob("*.yaml") if path.is_file()):
            found.setdefault(path.relative_to(root).with_suffix("").as_posix(), path)
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
    ours = [override for override in overrides if _HYDRA.match(override)]
    theirs = [_quoted(_every_piece(override, config_dirs)) for override in overrides if override not in ours]
    with _said_plainly():
        from hydra._internal.callbacks import Callbacks
        from hydra.core.plugins import Plugins
        from hydra.types import HydraContext, RunMode

        loader = _loader(config_dirs)
        master = loader.load_configuration("config", ours, RunMode.MULTIRUN)
        sweeper: Any = Plugins.instance().instantiate_sweeper(
            hydra_context=HydraContext(config_loader=loader, callbacks=Callbacks()),
            task_function=lambda _: None,
            config=master,
        )
        sweeper.launcher = _Batches(config_dirs, run)
        sweeper.validate_batch_is_legal = lambda batch: None  # the whole batch is composed before a job starts
        sweeper.sweep(arguments=theirs)


def _every_piece(override: str, config_dirs: Sequence[Path]) -> str:
    """Return `piece=PATTERN` with the names of all pieces that fit, which Hydra cannot know; others as they are."""
    match = re.fullmatch(r"piece=(?:glob\((.*)\)|([^,]*[*?][^,]*))", override)
    if match is None:
        return override
    pattern, names = match[1] or match[2], list(_piece_files(config_dirs))
    found = [name for name in names if fnmatch.fnmatchcase(name, pattern)]
    if not found:
        raise mistake("no piece has such a name", parameter="piece", given=pattern, allowed=listed(names))
    return f"piece={','.join(found)}"


@dataclass(frozen=True)
class _Batches:
    """Takes the place of Hydra's launcher: composes a whole batch, then hands it to `run`."""

    config_dirs: Sequence[Path]
    run: Callable[[Sequence[Composed]], Sequence[Any]]

    def launch(self, job_overrides: Sequence[Sequence[str]], initial_job_idx: int) -> Sequence[Any]:
        """Run a batch of jobs; called by the sweeper."""
        from hydra.core.utils import JobReturn, JobStatus

        jobs = [compose(list(overrides), self.config_dirs) for overrides in job_overrides]
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
def _said_plainly(prefix: str = "") -> Iterator[None]:
    """Turn whatever Hydra, OmegaConf and YAML raise into one mistake; `prefix` stands before the keys meant."""
    import yaml
    from hydra.errors import HydraException
    from omegaconf.errors import OmegaConfBaseException

    try:
        yield
    except MistakeError:
        raise
    except (HydraException, OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError) as error:
        raise MistakeError(_explain(error, prefix)) from error
    except RecursionError as error:
        raise mistake("the configuration is nested too deeply, or refers to itself") from error
    except OSError as error:
        raise mistake(f"a configuration file cannot be read: {error}") from error
    except (ValueError, TypeError, KeyError, AttributeError, AssertionError) as error:  # PyYAML, Hydra
        raise mistake(f"the configuration cannot be read: {error}", given=type(error).__name__) from error


def _explain(error: Exception, prefix: str) -> Mistake:
    """Say in our own words what Hydra, OmegaConf or YAML found wrong."""
    text = _innermost(error)
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if choice := re.search(r"(?:Could|could) not (?:find|load) '/?([\w/]+)/([^'/]+)'", text):
        names = _choices(text)
        return Mistake(f"there is no '{choice[2]}'", "", choice[1], choice[2], listed(names), nearest(choice[2], names))
    if missing := re.search(r"Missing mandatory value.*?full_key: ([\w./]+)", text, re.DOTALL):
        place = f"{prefix}{missing[1]}"
        return Mistake("a value is needed here", "", place, "nothing", hint=f"give it on the command line: {place}=…")
    if key := re.search(r"Could not (?:override|append|delete)[^']*'([^']+)'", text):
        return Mistake(lines[0], hint=_nearest_setting(key[1]))
    if re.search(r"no viable alternative|mismatched input|extraneous input|token recognition|missing EQUAL", text):
        said = lines[0].removeprefix("Error parsing override ").removesuffix("See").strip()
        return Mistake(
            f"an override cannot be read: {said}", allowed="KEY=VALUE, lists as [a,b], texts with signs in '…'"
        )
    return Mistake(" ".join(lines) or type(error).__name__, hint=_yaml_hint(text))


def _yaml_hint(text: str) -> str:
    """Return what to do about the commonest slips in YAML."""
    hints = {
        r"character '\\t'": "indent with spaces, not tabs",
        "mapping values are not allowed here": "put a text with a colon in quotes",
        r"found '\?'": "put '???' in quotes",
        "found duplicate key": "give each name once",
    }
    return next((hint for sign, hint in hints.items() if re.search(sign, text)), "")


def _choices(text: str) -> list[str]:
    found = re.search(r"Available options in '[^']*':\n((?:\t.*\n?)*)", text)
    return [line.strip() for line in found[1].splitlines()] if found else []


def _nearest_setting(key: str) -> str:
    groups = [path.name for path in CONF.iterdir() if path.is_dir()]
    settings = ["store.folder", "store.limit", "store.verify", "renders", "records", "device", "threads", "workers"]
    near = nearest(key, ["piece", *groups, *settings])
    return near or "keys of the piece begin with 'piece.', as in piece.steps.NAME.PARAMETER"


def _innermost(error: BaseException) -> str:
    texts = [str(error)]
    while error.__cause__ is not None:
        error = error.__cause__
        texts.append(str(error))
    return "\n".join(dict.fromkeys(text for text in texts if text))
