"""The demo: a simulated shop, the whole of Rapport around it, and its story in the terminal."""

from rapport.demo.story import run_demo, stop_demo

__all__ = ["run_demo", "stop_demo"]
