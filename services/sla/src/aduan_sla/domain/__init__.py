"""What deadlines mean: calendars, policies, facts, clocks, notices. No I/O, no clock."""
