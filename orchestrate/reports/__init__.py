"""Reports: HTML pages from the reporting database, over the login of whoever they are for."""

from orchestrate.reports.render import render_reports

__all__ = ["render_reports"]
