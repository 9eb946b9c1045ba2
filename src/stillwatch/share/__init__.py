"""What members of a forum share: signatures of campaigns."""
