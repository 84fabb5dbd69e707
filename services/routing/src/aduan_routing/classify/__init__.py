"""Deciding: which office, category and class a new complaint belongs to, and how sure that is."""

from aduan_routing.classify.decide import Classifier
from aduan_routing.classify.decision import Decision, Report, may_assign
from aduan_routing.classify.fields import BadReference
from aduan_routing.classify.loading import load_tenant
from aduan_routing.classify.reference import (
    AREA_OFFICE,
    Area,
    Category,
    Inlet,
    Office,
    Reference,
    Tenant,
)

__all__ = [
    "AREA_OFFICE",
    "Area",
    "BadReference",
    "Category",
    "Classifier",
    "Decision",
    "Inlet",
    "Office",
    "Reference",
    "Report",
    "Tenant",
    "load_tenant",
    "may_assign",
]
