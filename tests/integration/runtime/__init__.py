"""The bundled functions under Lambda's runtime client, each in a process of its own with nothing else beside it."""
