"""``%%kfops pipeline``: the cell is a pipeline, compiled when it runs."""

from __future__ import annotations

import hashlib
import os
from argparse import Namespace
from typing import Any, Callable, Dict, List

from kfops.errors import CompileError
from kfops.types import Source
from kfops_lab.arguments import VerbParser, nearest
from kfops_lab.display.package import package
from kfops_lab.magics.verb import Verb, display
from kfops_lab.session import Session


def arguments(parser: VerbParser) -> None:
    """Declare which function and which execution mode."""
    parser.add_argument(
        "--function", default="", metavar="NAME", help="the pipeline function, when the cell has several"
    )
    parser.add_argument("--mode", metavar="MODE", help="V2_COMPATIBLE or V1_LEGACY, instead of config.yaml's")


def execute(session: Session, arguments: Namespace, cell: str) -> None:
    """Run the cell in the notebook, compile its pipeline function and show the package."""
    from kfops import compiler
    from kfops.compiling.request import ask_git

    commit = ask_git(os.getcwd())
    function = _choose(_run(session.shell, cell), arguments.function)
    digest = hashlib.sha256(cell.encode("utf-8")).hexdigest()
    session.package = compiler.compile(
        function,
        mode=arguments.mode,
        config=session.config,
        source=Source("notebook", session.notebook, digest, commit()),
        dockerfiles=session.dockerfiles,
    )
    session.version = None
    display(package(session.package))


def _run(shell: Any, cell: str) -> Dict[str, Callable[..., Any]]:
    """Execute the cell where other cells are executed; return the functions that it decorates with dsl.pipeline."""
    from kfp.dsl import _pipeline

    from kfops.compiling import problems
    from kfops.compiling.quiet import without_kfps_warnings

    # The empty line stands for the line of the magic, so that line numbers are those the user sees.
    text = "\n" + shell.transform_cell(cell)
    name = shell.compile.cache(text, shell.execution_count)
    found: List[Callable[..., Any]] = []
    earlier = _pipeline._pipeline_decorator_handler
    _pipeline._pipeline_decorator_handler = found.append
    try:
        with without_kfps_warnings():
            exec(compile(text, name, "exec", dont_inherit=True), shell.user_ns)  # noqa: S102 - the user's own cell
    except (Exception, SystemExit) as error:
        raise problems.explain(error, "The cell", {name: ("", 0)}) from None
    finally:
        _pipeline._pipeline_decorator_handler = earlier
    return {function.__name__: function for function in found}


def _choose(found: Dict[str, Callable[..., Any]], name: str) -> Callable[..., Any]:
    if not found:
        raise CompileError(
            "The cell has no pipeline function.",
            why="No function in it is decorated with kfp.dsl.pipeline.",
            remedy='Write @dsl.pipeline(name="my-pipeline") above the function that calls the steps.',
        )
    if not name and len(found) == 1:
        return next(iter(found.values()))
    if name in found:
        return found[name]
    guess = nearest(name, found) or next(iter(found))
    raise CompileError(
        f"The cell has no pipeline function {name}." if name else "The cell has several pipeline functions.",
        why=f"Its pipeline functions are {', '.join(found)}.",
        remedy=f"%%kfops pipeline --function {guess}",
    )


VERB = Verb("pipeline", "[--mode MODE]", "the cell is a pipeline: compile it", execute, arguments, cell=True)
