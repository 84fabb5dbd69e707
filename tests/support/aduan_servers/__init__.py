"""Real brokers and databases for tests: fetched once, started on free ports, answerable by pid.

`fetching` brings the software, `kafka` and `mongo` start it, `choice` decides which server a test
run talks to. Nothing here is imported by a service or by the `aduan` command.
"""
