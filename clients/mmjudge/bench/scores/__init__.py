"""Files of scores that somebody else computed."""
