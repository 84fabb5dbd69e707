"""Statistics as a pure fold of events: facts per case that merge, and figures that are sums of them.

For dashboards only. Official figures (recap, monev) come from sla's own documents (`..recap`).
"""
