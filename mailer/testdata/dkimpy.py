"""Verifies mails with dkimpy: prints the name of each file whose signature is good.

usage: dkimpy.py NAME VALUE FILE... (NAME and VALUE are the TXT record)
"""
import sys

import dkim

name, value = (a.encode() for a in sys.argv[1:3])


def txt(query, timeout=5):
    return value if query.rstrip(b".") == name else None


for path in sys.argv[3:]:
    with open(path, "rb") as f:
        if dkim.verify(f.read(), dnsfunc=txt):
            print(path)
