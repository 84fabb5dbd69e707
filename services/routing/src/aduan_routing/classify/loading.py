"""Reads a tenant's reference folder; the only module of this package that touches files.

Editors of these files are people, so everything that refers to something else is checked here: a
category of an unknown office, a term of an unknown category, a kelurahan outside its kecamatan.
"""

from pathlib import Path
from typing import Final

from aduan_routing.classify.fields import BadReference, Fields, read_csv, read_toml
from aduan_routing.classify.loading_words import condition, expressions, words_from
from aduan_routing.classify.reference import (
    AREA_OFFICE,
    Area,
    Box,
    Category,
    Inlet,
    Matter,
    Office,
    Reference,
    Road,
    Tenant,
    frozen,
)

_LEVELS: Final = ("dinas", "badan", "bagian", "kecamatan", "bumd")
_AREA_LEVELS: Final = ("kota", "kecamatan", "kelurahan")


def load_tenant(folder: Path) -> Reference:
    """Read `reference/tenants/<code>`.

    Raises BadReference with one sentence that names the file and the field.
    """
    areas = _areas(read_csv(folder / "areas.csv"))
    offices = _offices(read_csv(folder / "offices.csv"), areas)
    tenant = _tenant(read_toml(folder / "tenant.toml"), offices, areas)
    categories = _categories(read_csv(folder / "categories.csv"), offices)
    words = words_from(read_toml(folder / "lexicon.toml"), categories)
    jurisdiction = read_toml(folder / "jurisdiction.toml")
    return Reference(
        tenant=tenant,
        offices=frozen(offices),
        areas=frozen(areas),
        categories=frozen(categories),
        inlets=frozen(_inlets(read_csv(folder / "inlets.csv"))),
        words=words,
        matters=_matters(jurisdiction, words.ignored),
        roads=_roads(jurisdiction, words.ignored),
        road_topics=_road_topics(jurisdiction, categories),
    )


def _areas(rows: list[Fields]) -> dict[str, Area]:
    areas: dict[str, Area] = {}
    for row in rows:
        area = Area(
            code=row.text("code"),
            name=row.text("name"),
            level=row.one_of("level", _AREA_LEVELS),
            parent=row.text("parent"),
            lat=row.number_or_none("lat", -90, 90),
            lng=row.number_or_none("lng", -180, 180),
        )
        if area.code in areas:
            raise row.bad("code", f"repeats {area.code}")
        if not area.code.startswith(f"{area.parent}."):
            raise row.bad("parent", f"is {area.parent}, but {area.code} does not lie in it")
        if area.level != "kota" and area.parent not in areas:
            raise row.bad("parent", f"is {area.parent}, which no line above describes")
        areas[area.code] = area
    return areas


def _offices(rows: list[Fields], areas: dict[str, Area]) -> dict[str, Office]:
    offices: dict[str, Office] = {}
    for row in rows:
        office = Office(
            code=row.text("code"),
            name=row.text("name"),
            abbreviation=row.text("abbreviation"),
            level=row.one_of("level", _LEVELS),
            automatic=row.yes("automatic"),
            threshold=row.number("threshold", 0, 1),
            duties=row.text("duties"),
            mail=row.text("mail"),
        )
        if office.code in offices:
            raise row.bad("code", f"repeats {office.code}")
        if office.level == "kecamatan" and office.code not in areas:
            raise row.bad("code", f"is {office.code}, which areas.csv does not know")
        offices[office.code] = office
    return offices


def _tenant(file: Fields, offices: dict[str, Office], areas: dict[str, Area]) -> Tenant:
    box = file.table("box")
    emergency = file.table("emergency")
    words = file.table("citizen_words")
    tenant = Tenant(
        code=file.text("code"),
        name=file.text("name"),
        province=file.text("province"),
        timezone=file.text("timezone"),
        partner=file.mirror("partner"),
        coordinator=file.one_of("coordinator", offices),
        oversight=file.one_of("oversight", offices),
        emergency_number=emergency.text("number"),
        emergency_sentence=emergency.text("sentence"),
        box=Box(
            south=box.number("south", -90, 90),
            north=box.number("north", -90, 90),
            west=box.number("west", -180, 180),
            east=box.number("east", -180, 180),
        ),
        citizen_words=frozen({word: words.report_class(word) for word in words.names()}),
    )
    if tenant.code not in areas:
        raise file.bad("code", f"is {tenant.code}, which areas.csv does not know")
    return tenant


def _categories(rows: list[Fields], offices: dict[str, Office]) -> dict[str, Category]:
    categories: dict[str, Category] = {}
    for row in rows:
        category = Category(
            code=row.text("code"),
            name=row.text("name"),
            office=row.text("office"),
            physical=row.yes("physical"),
            report_class=row.report_class("class"),
        )
        if category.code in categories:
            raise row.bad("code", f"repeats {category.code}")
        if category.office != AREA_OFFICE and category.office not in offices:
            raise row.bad("office", f"is {category.office}, which offices.csv does not know")
        categories[category.code] = category
    return categories


def _inlets(rows: list[Fields]) -> dict[str, Inlet]:
    inlets: dict[str, Inlet] = {}
    for row in rows:
        inlet = Inlet(
            code=row.text("code"),
            label=row.text("label"),
            address=row.text("address", empty=True),
            official=row.yes("official"),
            valid_from=row.day("valid_from"),
            valid_to=row.day("valid_to") if row.text("valid_to", empty=True) else None,
        )
        if inlet.code in inlets:
            raise row.bad("code", f"repeats {inlet.code}")
        if inlet.valid_to is not None and inlet.valid_to < inlet.valid_from:
            raise row.bad("valid_to", "lies before valid_from")
        inlets[inlet.code] = inlet
    return inlets


def _matters(file: Fields, ignored: frozenset[str]) -> tuple[Matter, ...]:
    matters = tuple(
        Matter(
            code=row.text("code"),
            body=row.text("body"),
            partner=row.partner("partner"),
            when=condition(row, ignored),
        )
        for row in file.tables("matter")
    )
    if len({matter.code for matter in matters}) != len(matters):
        raise BadReference(f"{file.where}: field 'code' of two matters is the same.")
    return matters


def _roads(file: Fields, ignored: frozenset[str]) -> tuple[Road, ...]:
    return tuple(
        Road(
            names=expressions(row, "names", ignored),
            owner=row.text("owner"),
            partner=row.partner("partner"),
        )
        for row in file.tables("road")
    )


def _road_topics(file: Fields, categories: dict[str, Category]) -> frozenset[str]:
    table = file.table("roads")
    topics = table.texts("topics")
    for topic in topics:
        if topic not in categories:
            raise table.bad("topics", f"names {topic}, which categories.csv does not know")
    return frozenset(topics)
