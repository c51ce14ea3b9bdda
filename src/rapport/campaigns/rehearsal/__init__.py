"""What would happen: a campaign played against the past, and what an edit changes."""
