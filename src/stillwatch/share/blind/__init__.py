"""Members ask "have you seen this account?" without showing it (docs/adr/0020-blind-matching.md)."""
