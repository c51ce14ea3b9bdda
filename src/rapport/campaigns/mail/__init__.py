"""What readers get: templates, blocks, languages, and the checks before anything may leave."""
