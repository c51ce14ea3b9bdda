"""What readers see a topic called."""


def topic_title(topic: str, title: str | None) -> str:
    """`title` from ops.topic_title, or the topic's own name for one that has none."""
    return title or topic.replace("_", " ").replace("-", " ").capitalize()
