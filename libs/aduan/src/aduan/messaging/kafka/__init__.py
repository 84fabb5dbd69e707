"""The messaging port on Apache Kafka, through aiokafka; no other package imports a Kafka client."""

from aduan.messaging.kafka.bus import KafkaBus
from aduan.messaging.kafka.connection import BadAddress, Connection

__all__ = ["BadAddress", "Connection", "KafkaBus"]
