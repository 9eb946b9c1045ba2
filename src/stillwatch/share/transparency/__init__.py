"""A log of all that the hub took, which nobody can rewrite unseen; see ADR 28."""
