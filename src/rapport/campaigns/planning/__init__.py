"""From audience to sends: when, whom, how much, and why not."""
