"""The house: who may import whom, rooms in order, no cycles, no framework on import, folders of a size to read."""

import ast
import importlib
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
from gaugeblock.adapters import registry

from tests.invoking import python

PACKAGES = ("reference", "adapters", "conformance", "reports")
ALLOWED = {**{name: {name} for name in PACKAGES}, "conformance": set(PACKAGES)}
FLOORS = "cases execution judging trials checks minimise known recipes,stories yours session pages cli"
ROOMS = tuple(floor.split(",") for floor in FLOORS.split())
"""The rooms of conformance/, from the bottom up."""

MOST_MODULES = 13
"""Modules of a folder, without its __init__ and the one file that each framework is."""

FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "optax", "sklearn", "scipy", "torchmetrics", "onnxruntime", "onnx")
# What each package may need besides itself and the standard library.
NEEDS = {
    "reference": {"flint", "ml_dtypes", "numpy", "platformdirs"},
    # markupsafe is a part of jinja2's own interface.
    "reports": {"jinja2", "markupsafe", "ml_dtypes", "msgspec", "numpy", "packaging", "rich"},
    "conformance": {"click", "jinja2", "msgspec", "numpy", "packaging", "pytest", "rich"},
}


def root(package: str) -> Path:
    """Where the package's modules are."""
    return Path(next(iter(importlib.import_module(f"gaugeblock.{package}").__path__)))


def modules() -> dict[str, Path]:
    found = {}
    for package in PACKAGES:
        for path in sorted(root(package).rglob("*.py")):
            parts = path.relative_to(root(package)).with_suffix("").parts
            name = ".".join(("gaugeblock", package, *(part for part in parts if part != "__init__")))
            found[name] = path
    return found


MODULES = modules()


def statements(body: list[ast.stmt], *, everywhere: bool, types: bool) -> Iterator[ast.stmt]:
    """Statements that run on import, or all of them; with `types` those under TYPE_CHECKING too, which never run."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            below = [*node.body, *node.orelse] if types else node.orelse
            yield from statements(below, everywhere=everywhere, types=types)
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not everywhere:
            continue
        for inner in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, inner, []), everywhere=everywhere, types=types)
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body, everywhere=everywhere, types=types)


def imports(path: Path, *, everywhere: bool = True, types: bool = True) -> set[str]:
    """Full names that a module imports."""
    found = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body, everywhere=everywhere, types=types):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def ours(name: str, *, types: bool = True) -> set[str]:
    """Our modules that one imports, inside its functions too."""
    return imports(MODULES[name], types=types) & set(MODULES) - {name}


def test_every_package_is_found() -> None:
    for package in PACKAGES:
        assert sum(name.startswith(f"gaugeblock.{package}") for name in MODULES) >= 5, package


@pytest.mark.parametrize("name", MODULES)
def test_arrows(name: str) -> None:
    package = name.split(".")[1]
    used = {each.split(".")[1] for each in imports(MODULES[name]) if each.startswith("gaugeblock.")}
    assert used <= ALLOWED[package], f"{name} imports {sorted(used - ALLOWED[package])}"


def floor(name: str) -> int:
    """The floor of a module's room; what stands beside the rooms is above them all."""
    parts = name.split(".")
    return next((number for number, rooms in enumerate(ROOMS) if len(parts) > 2 and parts[2] in rooms), len(ROOMS))


def test_the_rooms_are_those_there_are() -> None:
    folders = {path.name for path in root("conformance").iterdir() if (path / "__init__.py").exists()}
    assert folders == {room for rooms in ROOMS for room in rooms}


@pytest.mark.parametrize("name", [name for name in MODULES if name.startswith("gaugeblock.conformance.")])
def test_rooms_import_from_their_own_floor_or_a_lower_one(name: str) -> None:
    inside = [used for used in ours(name, types=False) if used.startswith("gaugeblock.conformance.")]
    higher = [used for used in inside if floor(used) > floor(name)]
    assert not higher, f"{name} imports {higher}"


@pytest.mark.parametrize("name", MODULES)
def test_foreign_imports(name: str) -> None:
    package = name.split(".")[1]
    foreign = {full.split(".")[0] for full in imports(MODULES[name])} - {"gaugeblock"} - set(sys.stdlib_module_names)
    if package == "adapters":
        # An adapter may import its own framework, inside a function.
        assert foreign - {"numpy", "ml_dtypes"} <= {name.rpartition(".")[2]}, foreign
        on_import = {full.split(".")[0] for full in imports(MODULES[name], everywhere=False)}
        assert not on_import & set(FRAMEWORKS)
    elif name.startswith("gaugeblock.conformance.stories."):
        # The scenes of a story import the frameworks that they are played in, inside their functions.
        assert foreign <= NEEDS[package] | set(FRAMEWORKS)
        on_import = {full.split(".")[0] for full in imports(MODULES[name], everywhere=False)}
        assert not on_import & set(FRAMEWORKS)
    else:
        assert foreign <= NEEDS[package], f"{name} imports {sorted(foreign - NEEDS[package])}"


def test_no_import_cycles() -> None:
    """Of any length, imports inside functions counted."""
    graph = {name: ours(name, types=False) for name in MODULES}
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " imports ".join([*trail[trail.index(name) :], name])
        if name not in finished:
            for needed in sorted(graph[name]):
                visit(needed, (*trail, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


def test_no_folder_has_more_modules_than_one_reads() -> None:
    frameworks = {f"gaugeblock.adapters.{name}" for name in registry.FRAMEWORKS}
    named = [path for name, path in MODULES.items() if name not in frameworks]
    counts = Counter(path.parent for path in named if path.name != "__init__.py")
    full = {folder.name: count for folder, count in counts.items() if count > MOST_MODULES}
    assert not full


def test_pyproject_lists_every_folder() -> None:
    source = Path(__file__).parents[1] / "pyproject.toml"
    listed = tomllib.loads(source.read_text(encoding="utf-8"))["tool"]["setuptools"]["packages"]
    folders = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert sorted(listed) == sorted(folders)


@pytest.mark.parametrize("package", PACKAGES)
def test_a_folder_of_a_clone_is_no_second_copy(package: str) -> None:
    done = python("-c", f"import {package}", cwd=root(package).parent)
    assert done.returncode == 1
    why = f"ImportError: import gaugeblock.{package}: this folder of a clone would be a second copy of it"
    assert done.stderr.strip().splitlines()[-1] == why


def test_importing_the_suite_imports_no_framework() -> None:
    program = "\n".join(
        [
            "import sys",
            *(f"import {name}" for name in MODULES if not name.endswith("__main__")),
            "from gaugeblock.adapters.registry import implementations",
            "from gaugeblock.conformance.session.plan import Selection, plan",
            "assert len(implementations()) > 50",
            "plan(Selection())",
            f"loaded = sorted(name for name in {FRAMEWORKS!r} if name in sys.modules)",
            "print(' '.join(loaded))",
        ]
    )
    done = python("-c", program)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", "imported: " + done.stdout


def test_the_plugin_alone_imports_nothing_of_the_suite() -> None:
    # It is loaded into every pytest session of the environment.
    program = (
        "import sys, gaugeblock.conformance.plugin\n"
        "ours = ('gaugeblock.', 'flint', 'numpy', 'click', 'rich')\n"
        "print(sorted(name for name in sys.modules if name.startswith(ours)))"
    )
    done = python("-c", program)
    assert ast.literal_eval(done.stdout) == ["gaugeblock.conformance", "gaugeblock.conformance.plugin"]


def test_gaugeblock_is_a_namespace() -> None:
    namespace = importlib.import_module("gaugeblock")
    assert getattr(namespace, "__file__", None) is None
