"""The house: who may import whom, no cycles, no framework on import, and modules of a size to read."""

from __future__ import annotations

import ast
import importlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGES = ("reference", "adapters", "conformance", "reports")
ALLOWED = {
    "reference": {"reference"},
    "adapters": {"adapters"},
    "reports": {"reports"},
    "conformance": set(PACKAGES),
}
FRAMEWORKS = ("torch", "tensorflow", "keras", "jax", "optax", "sklearn", "scipy", "torchmetrics", "onnxruntime", "onnx")
# What each package may need besides itself and the standard library.
NEEDS = {
    "reference": {"flint", "ml_dtypes", "numpy"},
    # markupsafe is a part of jinja2's own interface.
    "reports": {"fastjsonschema", "jinja2", "jsonschema", "markupsafe", "ml_dtypes", "numpy", "packaging", "rich"},
    "conformance": {"click", "jinja2", "numpy", "packaging", "platformdirs", "pytest", "rich"},
}
LINES = 400


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


def statements(body: list[ast.stmt], *, everywhere: bool) -> Iterator[ast.stmt]:
    """Statements that run on import, or all of them; what stands under TYPE_CHECKING never runs."""
    for node in body:
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from statements(node.orelse if not everywhere else [*node.body, *node.orelse], everywhere=everywhere)
            continue
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and not everywhere:
            continue
        for inner in ("body", "orelse", "finalbody"):
            yield from statements(getattr(node, inner, []), everywhere=everywhere)
        for handler in getattr(node, "handlers", []):
            yield from statements(handler.body, everywhere=everywhere)


def imports(path: Path, *, everywhere: bool = True) -> set[str]:
    """Full names that a module imports."""
    found = set()
    for node in statements(ast.parse(path.read_text(encoding="utf-8")).body, everywhere=everywhere):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {str(node.module)}
    return found


def test_every_package_is_found() -> None:
    for package in PACKAGES:
        assert sum(name.startswith(f"gaugeblock.{package}") for name in MODULES) >= 5, package


@pytest.mark.parametrize("name", MODULES)
def test_arrows(name: str) -> None:
    package = name.split(".")[1]
    ours = [full.split(".") for full in imports(MODULES[name]) if full.startswith("gaugeblock.")]
    used = {parts[1] for parts in ours}
    assert used <= ALLOWED[package], f"{name} imports {sorted(used - ALLOWED[package])}"


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
    graph = {name: imports(path, everywhere=False) & set(MODULES) - {name} for name, path in MODULES.items()}
    finished: set[str] = set()

    def visit(name: str, trail: tuple[str, ...]) -> None:
        assert name not in trail, " imports ".join([*trail[trail.index(name) :], name])
        if name not in finished:
            for needed in sorted(graph[name]):
                visit(needed, (*trail, name))
            finished.add(name)

    for name in graph:
        visit(name, ())


@pytest.mark.parametrize("name", MODULES)
def test_modules_are_of_a_size_to_read(name: str) -> None:
    lines = len(MODULES[name].read_text(encoding="utf-8").splitlines())
    assert lines <= LINES, f"{name} has {lines} lines"


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
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "", "imported: " + done.stdout


def test_the_plugin_alone_imports_nothing_of_the_suite() -> None:
    # It is loaded into every pytest session of the environment.
    program = (
        "import sys, gaugeblock.conformance.plugin\n"
        "ours = ('gaugeblock.', 'flint', 'numpy', 'click', 'rich')\n"
        "print(sorted(name for name in sys.modules if name.startswith(ours)))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ast.literal_eval(done.stdout) == ["gaugeblock.conformance", "gaugeblock.conformance.plugin"]


def test_gaugeblock_is_a_namespace() -> None:
    namespace = importlib.import_module("gaugeblock")
    assert getattr(namespace, "__file__", None) is None
