"""The `mapleproof` command, of which each part has a module of its own.

What a command needs is imported when it runs, so that help and completion in a shell are there at once.
Exit statuses are those of `status`.
"""

from __future__ import annotations

import click

from mapleproof.bench.cli import bench
from mapleproof.cli.campaign import campaign
from mapleproof.cli.check import check_command
from mapleproof.cli.completion import completion
from mapleproof.cli.kernel import kernel
from mapleproof.cli.outermost import Outermost
from mapleproof.cli.prove import prove
from mapleproof.cli.replay import replay_command
from mapleproof.cli.review import review_command
from mapleproof.cli.show import show
from mapleproof.impl import compiled


@click.group(cls=Outermost, context_settings={"max_content_width": 110})
@click.version_option(
    package_name="mapleproof", message=f"%(prog)s, version %(version)s\nimpl/maple is {compiled.which()}"
)
def main() -> None:
    """Test maple trees, and what fork does with them, against a reference model.

    Exit status: 0 all that was asked for was done, and holds; 1 a difference, a broken promise or a claim
    that is not true; 2 bad usage or bad input, told in one line; 3 no answer: a proof or a part came to no
    end, or was asked for and could not run; 70 the suite itself went wrong, told in one line, and a file
    holds the traceback; 125 with --bisect, where a tree cannot be judged; 130 interrupted.
    """


for command in (
    check_command,
    replay_command,
    kernel,
    prove,
    bench,
    show,
    review_command,
    campaign,
    completion,
):
    main.add_command(command)
