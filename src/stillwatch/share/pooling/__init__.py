"""Members pool evidence that proves nothing alone; see ADR 29."""
