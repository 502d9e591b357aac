"""`models`: getting trained models and looking after them."""

from __future__ import annotations

import argparse
from pathlib import Path

from pipelines.command_line.caring import as_size
from pipelines.command_line.main import DONE, MISTAKE
from pipelines.mistakes import MistakeError, listed, mistake, nearest
from pipelines.models import SUFFIX, find_model, get_model, load_models, model_path, models_folder


def models(options: argparse.Namespace) -> int:
    """Get, list, verify, remove or convert."""
    actions = {"get": _get, "list": _list, "verify": _verify, "remove": _remove, "convert": _convert}
    return actions[options.action](options)


def _get(options: argparse.Namespace) -> int:
    model = find_model(_named(options))
    print(f"{model.package}, {as_size(model.size)}\nlicence: {model.licence}", flush=True)
    path = get_model(model, options.file)
    print(f"{path}  {as_size(path.stat().st_size)}")
    return DONE


def _list(_: argparse.Namespace) -> int:
    known = load_models()
    names = [*known, *(name for name in _present() if name not in known)]
    width = max(map(len, names), default=0)
    for name in names:
        path, model = model_path(name), known.get(name)
        state = as_size(path.stat().st_size) if path.is_file() else "not here"
        print(f"{name:<{width}}  {state:>8}  {model.summary if model else 'converted from a checkpoint of yours'}")
        if model:
            print(f"    from:    {model.package}, a download of {as_size(model.size)}\n    licence: {model.licence}")
    print(f"in {models_folder()}")
    return DONE


def _verify(options: argparse.Namespace) -> int:
    from nodes.separation.models import check

    known, wrong = load_models(), 0
    for name in [options.name] if options.name else _present():
        path = _require_present(name)
        try:
            (known[name].check if name in known else check)(path)
            print(f"whole    {name}")
        except MistakeError as error:
            wrong += 1
            print(f"DAMAGED  {name}: {error}")
    return MISTAKE if wrong else DONE


def _remove(options: argparse.Namespace) -> int:
    path = _require_present(_named(options))
    size = as_size(path.stat().st_size)
    path.unlink()
    print(f"{path} removed, {size}")
    return DONE


def _convert(options: argparse.Namespace) -> int:
    from nodes.separation.models import LICENCE, convert

    path, published = convert(_named(options), options.stems, options.name_as or "")
    print("the numbers are those that Deezer published" if published else "these numbers are not known here")
    print(f"licence: {LICENCE if published else 'whatever came with the checkpoint'}")
    print(f"{path}  {as_size(path.stat().st_size)}")
    return DONE


def _named(options: argparse.Namespace) -> str:
    if not options.name:
        raise mistake(f"models {options.action} needs to be told what", parameter="NAME", allowed=listed(load_models()))
    return str(options.name)


def _present() -> list[str]:
    return sorted(path.stem for path in models_folder().glob(f"[!.]*{SUFFIX}"))


def _require_present(name: str) -> Path:
    path = model_path(name)
    if not path.is_file():
        raise mistake(
            f"the model '{name}' is not here", given=str(path), hint=nearest(name, _present()) or "models list"
        )
    return path
