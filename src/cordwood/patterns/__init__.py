"""Messages → patterns: what lines of a kind have in common, found without being told.

Mined as Drain does it (He et al., "Drain: An Online Log Parsing Approach with Fixed Depth Tree", ICWS 2017), but from
all messages at once, so that their order does not matter: what varies by its looks is masked (`masking`), equal masked
forms are counted as one (`forms`), similar forms are put together (`grouping`), and words that differ within a group
become wildcards unless there are so few that each deserves a template (`templates`). Bytes in, numbers out; no I/O.
"""

from cordwood.patterns.matching import Matcher
from cordwood.patterns.mining import Limits, Mined, mine
from cordwood.patterns.patterns import Merged, Pattern, Patterns, merge, pattern_id
from cordwood.patterns.values import values_of

__all__ = ["Limits", "Matcher", "Merged", "Mined", "Pattern", "Patterns", "merge", "mine", "pattern_id", "values_of"]
