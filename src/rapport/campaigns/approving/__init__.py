"""Questions put to people, their answers, and the log of both."""
