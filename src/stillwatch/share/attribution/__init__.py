"""Who may be behind a campaign: candidates, the evidence for each, and what is not known."""
