"""The canary: a synthetic complaint every minute, watched through all five services (ADR 10)."""
