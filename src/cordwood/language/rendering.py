"""Search → canonical query text: what is saved, shown and shared. It reads back as the same search."""

from cordwood.language.pipes.known import pipe_text
from cordwood.language.spelling import filter_text
from cordwood.model.search.filters import Everything, Filter
from cordwood.model.search.pipes import Search


def render_filter(found: Filter) -> str:
    """The canonical text of a filter; of everything, nothing."""
    return "" if found == Everything() else filter_text(found)


def render(search: Search) -> str:
    """The canonical text of a search. Times that were relative to now are absolute."""
    pipes = [pipe_text(pipe) for pipe in search.pipes]
    if pipes and search.filter == Everything():
        return "| " + " | ".join(pipes)
    return " | ".join([filter_text(search.filter), *pipes])
