"""Campaigns as folders of text: definition, calendar, timing, content, and the plan from audience to sends."""
