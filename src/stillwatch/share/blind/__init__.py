"""Members ask "have you seen this account?" without showing it; see ADR 20."""
