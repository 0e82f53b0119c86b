"""The client tests' space, for documents whose Python is run."""

from tests.unit.client.conftest import world as world
