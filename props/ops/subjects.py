"""What a case can be about: for each subject the operations of its steps and the flags of its header."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from props.cases.world import World
from props.fork.forms import FLAGS, SPACE_FORMS
from props.fork.world import SpacesWorld
from props.ops import forms
from props.ops.forms import Form


@dataclass(frozen=True, slots=True)
class Subject:
    """One subject. `setup` is the header's key for what a case begins with, `flags` are the keys in there.

    `world` makes what knows, as a case goes on, which steps it may have.
    """

    name: str
    forms: Mapping[str, Form]
    setup: str
    flags: tuple[str, ...]
    world: Callable[[], Any]


MAPLE_TREE = Subject("maple_tree", forms.BY_NAME, "tree", ("alloc_range", "rcu"), World)

ADDRESS_SPACE = Subject("address_space", SPACE_FORMS, "space", FLAGS, SpacesWorld)

SUBJECTS: Mapping[str, Subject] = {subject.name: subject for subject in (MAPLE_TREE, ADDRESS_SPACE)}
