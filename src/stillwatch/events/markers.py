"""What a prompt or completion visibly asks for or looks like, one bit each.

The phrases behind each bit, in several languages, are in `stillwatch.events.lexicon`.
"""

from enum import IntFlag


class Marker(IntFlag):
    """Bits of the `markers` and `completion_markers` columns."""

    REASONING = 1 << 0  # asks for reasoning written out: "step by step", "show your reasoning"
    THINKING = 1 << 1  # works on hidden thinking: <think> tags, "your working memory", its language
    GRADING = 1 << 2  # grades answers: rubric, score 1 to 5, "which assistant is better"
    REWRITING = 1 << 3  # rewrites or cleans an answer or trace; censorship-safe versions
    TOOLS = 1 << 4  # elicits calls of tools, functions, APIs and their traces
    SYNTHESIS = 1 << 5  # produces tasks, questions or data sets: "come up with 20 diverse"
    PREFERENCE = 1 << 6  # preference pairs: chosen and rejected
    RECORDS = 1 << 7  # JSON lines or records with fields such as instruction, input, output
    SECTIONS = 1 << 8  # training sections: "### Instruction:", "Q: ... A:", "<<<code>>>"
    FEW_SHOT = 1 << 9  # carries worked examples before the question
    CODE = 1 << 10  # a programming task or code
    MATHS = 1 << 11  # a mathematical task
    SYSTEM_PROBE = 1 << 12  # asks for the system prompt or fakes a debugging session
