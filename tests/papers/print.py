"""Stands in for beadle-documents in tests: a document's values on standard input, a PDF on standard output, by the same templates.

The templates are set by the same Typst, from the Python package index, because building the program takes long. It has no walls.
"""

import pathlib
import sys
import tempfile

import typst

HERE = pathlib.Path(__file__).resolve().parent
TEMPLATES = HERE.parent.parent / "hub" / "documents" / "templates"

with tempfile.TemporaryDirectory() as folder:
    folder = pathlib.Path(folder)
    for template in TEMPLATES.glob("*.typ"):
        (folder / template.name).write_bytes(template.read_bytes())
    (folder / "document.json").write_bytes(sys.stdin.buffer.read())
    try:
        pdf = typst.compile(
            str(folder / "document.typ"),
            root=str(folder),
            format="pdf",
            pdf_standards=["a-2a", "ua-1"],
            ignore_system_fonts=True,
        )
    except typst.TypstError as error:
        sys.exit(str(error))
sys.stdout.buffer.write(pdf)
