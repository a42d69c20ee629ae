"""Pages from a template with places such as {{title}}."""

from collections.abc import Mapping


def filled(template: str, fields: Mapping[str, str]) -> bytes:
    """The page, with a field in each place. Split, not replaced: a field may hold any text, braces too.

    Nothing is escaped. Raises KeyError for a place without a field.
    """
    head, *rest = template.split("{{")
    pieces = [part.partition("}}") for part in rest]
    return (head + "".join(fields[name] + tail for name, _, tail in pieces)).encode()
