"""Runs verify.py over many mutants of one folder in one process.

usage: batch.py VERIFY.PY FOLDER log|bundle HUB_VKEY STRIDE
Mutant k of a file: bit (k // STRIDE) % 8 of byte k flipped, k = 0, STRIDE, 2 * STRIDE ...
Prints `== file k`, then the report.
"""
import importlib.util
import io
import os
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
        return sorted(self.files)

    def open(self, name, most=None):
        return io.BytesIO(self.files[name])


def main(folder, kind, hub, stride):
    files = {}
    for base, _, names in os.walk(folder):
        for name in names:
            path = os.path.join(base, name)
            with open(path, "rb") as file:
                files[os.path.relpath(path, folder)] = file.read()
    out = []
    keys = [v.Vkey(hub)]
    for name in sorted(files):
        whole = files[name]
        for k in range(0, len(whole), stride):
            files[name] = whole[:k] + bytes([whole[k] ^ 1 << (k // stride) % 8]) + whole[k + 1:]
            out.append("== %s %d\n%s" % (name, k, v.verify_folder(Memory(files), keys, (), False, kind, (), ())))
        files[name] = whole
    sys.stdout.write("".join(out))


main(sys.argv[2], sys.argv[3], sys.argv[4], int(sys.argv[5]))
