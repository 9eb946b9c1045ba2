"""What members of a forum tell each other, and how, so that nothing else gets out."""
