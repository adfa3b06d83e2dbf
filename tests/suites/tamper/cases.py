"""Runs verify.py over many cases in one process.

usage: cases.py VERIFY.PY CASES.JSON
A case: {kind, hub, heads, live, files}, heads and files in base64. Prints a JSON list of the reports.
"""
import base64
import importlib.util
import io
import json
import sys

sys.dont_write_bytecode = True
spec = importlib.util.spec_from_file_location("verify", sys.argv[1])
v = importlib.util.module_from_spec(spec)
spec.loader.exec_module(v)


class Memory(v.Folder):
    def __init__(self, files):
        super().__init__("")
        self.files = files

    def list(self):
        return sorted(self.files, key=lambda n: n.encode())

    def open(self, name, most=None):
        return io.BytesIO(self.files[name])


def judge(case):
    files = Memory({name: base64.b64decode(text) for name, text in case["files"].items()})
    hub = [v.Vkey(key) for key in case["hub"]]
    return v.verify_folder(files, hub, [base64.b64decode(head) for head in case["heads"]], case["live"], case["kind"], (), ())


with open(sys.argv[2]) as file:
    json.dump([judge(case) for case in json.load(file)], sys.stdout)
