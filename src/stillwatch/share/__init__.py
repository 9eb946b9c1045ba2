"""What providers tell each other: signatures of campaigns."""
