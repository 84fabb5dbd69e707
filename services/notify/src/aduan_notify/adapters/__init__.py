"""How a port is done: reference files, SMTP, intake's contacts. Translate here, decide nothing."""
