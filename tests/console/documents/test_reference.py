"""The API reference read from an OpenAPI document."""

from pathlib import Path

from console.documents.reference import Field, section_values, sections

ROOT = Path(__file__).parents[3]

DOCUMENT = {
    "paths": {
        "/v1/things": {
            "post": {
                "operationId": "thing_create",
                "summary": "Make a thing",
                "tags": ["things"],
                "security": [{"ApiKey": []}],
                "parameters": [
                    {
                        "name": "limit",
                        "in": "query",
                        "schema": {"type": "integer"},
                        "description": "1 to 100.",
                    }
                ],
                "requestBody": {
                    "content": {
                        "application/json": {
                            "schema": {"$ref": "#/components/schemas/Thing"}
                        }
                    }
                },
                "responses": {"201": {"description": ""}, "400": {}, "401": {}},
            }
        }
    },
    "components": {
        "schemas": {
            "Thing": {
                "type": "object",
                "required": ["name"],
                "properties": {
                    "name": {"type": "string", "description": "Yours."},
                    "parts": {
                        "type": "array",
                        "items": {"$ref": "#/components/schemas/Part"},
                    },
                },
            },
            "Part": {
                "type": "object",
                "properties": {
                    "kind": {"enum": ["a", "b"]},
                    "inner": {"$ref": "#/components/schemas/Thing"},
                },
            },
        }
    },
}


def test_calls_are_grouped_by_what_they_are_about() -> None:
    (section,) = section_values(DOCUMENT)
    (operation,) = section.operations
    assert (section.slug, section.name) == ("things", "Things")
    assert (operation.method, operation.path) == ("POST", "/v1/things")
    assert operation.title == "Make a thing"
    assert not operation.is_public
    assert operation.refusals == "400, 401"
    assert [reply.status for reply in operation.replies] == ["201"]


def test_fields_name_the_way_to_them_and_circles_end() -> None:
    (section,) = section_values(DOCUMENT)
    body = section.operations[0].body
    assert body[0] == Field("name", "string", is_required=True, text="Yours.")
    assert [field.name for field in body] == [
        "name",
        "parts",
        "parts[].kind",
        "parts[].inner",
        "parts[].inner.name",
        "parts[].inner.parts",
    ]
    assert body[2].kind == "one of a, b"


def test_every_call_of_our_own_document_is_shown_once() -> None:
    text = (ROOT / "docs" / "openapi.yaml").read_text()
    found = sections(ROOT / "docs" / "openapi.yaml")
    anchors = [one.anchor for section in found for one in section.operations]
    assert len(anchors) == len(set(anchors)) == text.count("operationId:")
