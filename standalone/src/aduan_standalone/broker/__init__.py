"""What the deployer does to the brokers: topics, access lists, users. No service imports this."""
