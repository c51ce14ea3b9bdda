"""What came of it: versions drawn by lot, winners, results."""
