"""Workflows: definitions read, checked, deployed; their schedules."""
