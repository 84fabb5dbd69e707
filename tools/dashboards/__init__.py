"""The dashboards of Grafana, written as Python and kept as JSON; `python -m tools.dashboards`."""
