"""JSON Schemas as apps send them: 50 that Hearth keeps to, and those that it refuses with the reason.

The texts and lists of the first kind have bounds, because a model of random weights never ends one by itself.
"""


def thing(properties, required=None, **more):
    return {"type": "object", "properties": properties, "required": sorted(properties) if required is None else required} | more


SHORT = {"type": "string", "maxLength": 6}
DIGIT = {"type": "integer", "minimum": 0, "maximum": 9}
BOOL = {"type": "boolean"}

KEPT = {
    # scalars
    "boolean": BOOL,
    "null": {"type": "null"},
    "text": SHORT,
    "text of a fixed length": {"type": "string", "minLength": 4, "maxLength": 4},
    "integer from to": {"type": "integer", "minimum": 10, "maximum": 99},
    "negative integers": {"type": "integer", "minimum": -20, "maximum": -3},
    "integers around zero": {"type": "integer", "minimum": -5, "maximum": 5},
    "exclusive bounds": {"type": "integer", "exclusiveMinimum": 0, "exclusiveMaximum": 3},
    "fractional bounds": {"type": "integer", "minimum": 0.5, "maximum": 3.5},
    "at least": {"type": "integer", "minimum": 15},
    "at most": {"type": "integer", "maximum": 120},
    "at least, below zero": {"type": "integer", "minimum": -7},
    "at most, below zero": {"type": "integer", "maximum": -7},
    "any integer": {"type": "integer"},
    "any number": {"type": "number"},
    "one of two types": {"type": ["integer", "null"]},
    "constant": {"const": {"a": [1, None, "x\"y\\z"]}},
    "enum": {"type": "string", "enum": ["red", "green", "blue with \"quotes\" and \\"]},
    "enum of mixed types": {"enum": ["a", 1, None, True, [1, 2]]},
    # shaped texts
    "pattern": {"type": "string", "pattern": "^[A-Z]{2}-\\d{4}$"},
    "pattern with alternatives": {"type": "string", "pattern": "^(cat|dog|big (bear|bird))s?$"},
    "pattern with a dot and an escape": {"type": "string", "pattern": "^.{1,3}\\.[a-z]{2,3}$"},
    "pattern of words": {"type": "string", "pattern": "^\\w{1,5}@\\w{1,5}\\.(com|org)$"},
    "pattern with a negated class": {"type": "string", "pattern": "^[^0-9x]{2,5}$"},
    "date": {"type": "string", "format": "date"},
    "time": {"type": "string", "format": "time"},
    "date-time": {"type": "string", "format": "date-time"},
    "uuid": {"type": "string", "format": "uuid"},
    # lists
    "list of digits": {"type": "array", "items": DIGIT, "minItems": 2, "maxItems": 5},
    "list of one": {"type": "array", "items": BOOL, "minItems": 1, "maxItems": 1},
    "empty list": {"type": "array", "maxItems": 0, "items": DIGIT},
    "tuple": {"type": "array", "prefixItems": [SHORT, DIGIT, BOOL], "items": False, "minItems": 3, "maxItems": 3},
    "list of lists": {"type": "array", "items": {"type": "array", "items": DIGIT, "maxItems": 2}, "maxItems": 3},
    "list of things": {"type": "array", "items": thing({"a": DIGIT}), "minItems": 1, "maxItems": 2},
    # objects
    "person": thing({"name": SHORT, "age": {"type": "integer", "minimum": 0, "maximum": 120}}),
    "nothing else allowed": thing({"a": BOOL, "b": DIGIT}, additionalProperties=False),
    "optional members": thing({"a": BOOL, "b": DIGIT, "c": SHORT}, ["b"]),
    "all optional": thing({"a": BOOL, "b": DIGIT}, []),
    "no members": thing({}, additionalProperties=False),
    "nested": thing({"outer": thing({"inner": thing({"value": DIGIT})})}),
    "names with marks": thing({"first name": SHORT, "e-mail": SHORT, "größe": DIGIT, "$x.y/z": BOOL, "quo\"te": BOOL}),
    "names of rules": thing({"root": BOOL, "string": DIGIT, "value": BOOL, "char": DIGIT}),
    "names that look alike": thing({"a": thing({"b": BOOL}), "a-b": DIGIT, "a_b": SHORT}),
    "without a type": {"properties": {"a": DIGIT}, "required": ["a"]},
    # combinations
    "optional by anyOf": thing({"a": {"anyOf": [SHORT, {"type": "null"}], "default": None, "title": "A"}}),
    "oneOf with a mark": {"oneOf": [thing({"kind": {"const": "cat"}, "lives": DIGIT}), thing({"kind": {"const": "dog"}, "loud": BOOL})]},
    "allOf of one": thing({"color": {"allOf": [{"$ref": "#/$defs/Color"}], "description": "its color"}},
                          **{"$defs": {"Color": {"enum": ["red", "blue"]}}}),
    "allOf of two": {"allOf": [thing({"a": DIGIT}), thing({"b": BOOL})]},
    "references": thing({"home": {"$ref": "#/$defs/Place"}, "work": {"$ref": "#/$defs/Place"}},
                        **{"$defs": {"Place": thing({"zip": {"type": "string", "pattern": "^\\d{5}$"}})}}),
    "a list that refers to itself": {"$ref": "#/definitions/Node", "definitions": {
        "Node": thing({"value": DIGIT, "next": {"anyOf": [{"type": "null"}, {"$ref": "#/definitions/Node"}]}})}},
}

# With a word that the reason must name.
REFUSED = {
    "not": ({"not": {"type": "string"}}, "not"),
    "uniqueItems": ({"type": "array", "items": DIGIT, "uniqueItems": True}, "uniqueItems"),
    "multipleOf": ({"type": "integer", "multipleOf": 5}, "multipleOf"),
    "bounds of numbers": ({"type": "number", "minimum": 0}, "minimum"),
    "contains": ({"type": "array", "contains": DIGIT}, "contains"),
    "patternProperties": ({"type": "object", "patternProperties": {"^a": DIGIT}}, "patternProperties"),
    "minProperties": (thing({"a": BOOL}, [], minProperties=1), "minProperties"),
    "dependentRequired": (thing({"a": BOOL}, [], dependentRequired={"a": ["b"]}), "dependentRequired"),
    "if": ({"if": {"type": "string"}, "then": {"maxLength": 3}}, "if"),
    "a type that is none": ({"type": "strng"}, "type"),
    "no such definition": ({"$ref": "#/$defs/absent"}, "absent"),
    "another document": ({"$ref": "https://example.org/s.json"}, "ref"),
    "a loop": ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "itself"),
    "look-ahead": ({"type": "string", "pattern": "^(?=a)b$"}, "pattern"),
    "a broken pattern": ({"type": "string", "pattern": "^(a$"}, "pattern"),
    "alternatives that overlap": ({"oneOf": [{"type": "integer"}, {"type": "number"}]}, "oneOf"),
    "bounds that exclude all": ({"type": "integer", "minimum": 3, "maximum": 2}, "bounds"),
    "too long": ({"type": "string", "maxLength": 1_000_000}, "maxLength"),
    "required but unknown": ({"type": "object", "properties": {"a": BOOL}, "required": ["b"]}, "required"),
    "properties as a list": ({"type": "object", "properties": ["a"]}, "properties"),
}
