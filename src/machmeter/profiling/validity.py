"""Whether a profile can be believed."""

from machmeter.profiles import Profile

#: Beyond this share of waiting for a core, stacks tell who waited, not who computed (docs/measurements).
MOST_DELAYED = 0.10
#: Workers of the benchmark that wait for each other are where they would be anyway: that is borne, added up
#: over all of them, as long as nobody else takes more than this share of a core.
MOST_DISTURBED = 0.10
MOST_DELAYED_BY_ITSELF = 2.0
#: A single profile's overhead is itself uncertain by several percent: the speed of a machine changes.
MOST_OVERHEAD = 0.15
MOST_ERRORS = 0.05
MOST_LATE_S = 1.0
FEWEST_SAMPLES = 10


def problem(profile: Profile) -> str:
    """Say why a profile is refused; empty if it is not.

    Parameters
    ----------
    profile : Profile
        As it was taken.
    """
    facts = profile.facts
    tried = facts.samples + facts.errors
    if facts.delayed > (MOST_DELAYED if facts.disturbed > MOST_DISTURBED else MOST_DELAYED_BY_ITSELF):
        return f"contended: waited for a core {facts.delayed:.0%} of the time (bound {MOST_DELAYED:.0%})"
    if facts.overhead > MOST_OVERHEAD:
        return f"watching it cost {facts.overhead:.0%} (bound {MOST_OVERHEAD:.0%})"
    if tried and facts.errors / tried > MOST_ERRORS:
        return f"{facts.errors} of {tried} stacks could not be read"
    if facts.late_s > MOST_LATE_S:
        return f"py-spy fell {facts.late_s:.1f} s behind"
    if profile.count < FEWEST_SAMPLES:
        return f"{profile.count} stacks are too few"
    return ""
