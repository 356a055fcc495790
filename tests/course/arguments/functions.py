"""The package's functions, found by their signatures, and the numbers in their answers.

So a new function without an example in the tests beside this file makes one of them fail.
"""

import dataclasses
import importlib
import inspect
import pkgutil
import sys

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from torch import Tensor, nn

import lectures_code
from lectures_code.explorers import base, retrain


def public_functions():
    """Functions, classes and methods of the package, with where they stand.

    Without the checks themselves, and without results: dataclasses that only keep what they get.
    Of a package with several files, what its `__init__` shows.
    """
    for info in pkgutil.walk_packages(lectures_code.__path__, "lectures_code."):
        module = importlib.import_module(info.name)
        face = getattr(sys.modules[info.name.rpartition(".")[0]], "__all__", None)
        for name, value in vars(module).items():
            own = getattr(value, "__module__", None) == info.name and not name.startswith("_")
            hidden = face is not None and name not in face
            if not own or hidden or info.name == "lectures_code.checks":
                continue
            if getattr(value, "_is_protocol", False):  # says what others do
                continue
            if inspect.isclass(value):
                if not dataclasses.is_dataclass(value) or hasattr(value, "__post_init__"):
                    yield value, f"{info.name}.{name}"
                for inner, method in vars(value).items():
                    if inspect.isfunction(method) and (inner == "__call__" or inner[0] != "_"):
                        yield method, f"{info.name}.{name}.{inner}"
            elif inspect.isfunction(value):
                yield value, f"{info.name}.{name}"


def parameters(function):
    """Parameters with their annotations as text."""
    return {
        name: getattr(parameter.annotation, "__name__", None)
        if isinstance(parameter.annotation, type)
        else str(parameter.annotation)
        for name, parameter in inspect.signature(function).parameters.items()
    }


def without_an_example(wanted, examples):
    """Public functions for which `wanted` is true and which `examples` lacks."""
    return [
        name
        for function, name in public_functions()
        if wanted(parameters(function)) and function not in examples
    ]


def numbers_in(result):
    """All numbers in a result of any kind, in a fixed order."""
    if isinstance(result, Tensor):
        return result.detach().double().reshape(-1).tolist()
    if isinstance(result, bytes):
        return list(result)
    if isinstance(result, bool | int | float):
        return [float(result)]
    if isinstance(result, nn.Module):
        return numbers_in(list(result.state_dict().values()))
    if isinstance(result, Axes):
        lines = [np.asarray(line.get_data(), float).ravel() for line in result.lines]
        pictures = [np.asarray(each.get_array(), float).ravel() for each in result.images]
        return [*np.concatenate([*lines, *pictures, []]).tolist()]
    if isinstance(result, base.Explorer):
        return numbers_in(list(result.settings().values()))
    if isinstance(result, retrain.Retraining):
        return [result.slider.value, float(result.bar.max)]
    if isinstance(result, dict):
        return numbers_in(list(result.values()))
    if dataclasses.is_dataclass(result):
        return numbers_in([getattr(result, each.name) for each in dataclasses.fields(result)])
    if isinstance(result, tuple | list):
        return [number for each in result for number in numbers_in(each)]
    return []


def answer(example, argument):
    """Numbers of the answer, or None and the error if the argument is refused."""
    try:
        return numbers_in(example(argument)), None
    except (ValueError, TypeError) as error:
        return None, str(error)
    finally:
        plt.close("all")
