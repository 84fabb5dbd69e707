"""What all services share: contracts, messaging, storage, the web kit, privacy, observability."""
