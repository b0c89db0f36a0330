"""The embedded home box: llama.cpp's own HTTP server, in this process, with one small model.

It prints its address as one JSON line and then lives until its standard input closes. That is how
it ends with the command that started it, however that command ended.
"""

import json
import sys

import xllamacpp


def main() -> None:
    model, name, context = sys.argv[1], sys.argv[2], int(sys.argv[3])
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.model_alias = {name}
    params.n_ctx = context
    # One slot: a window shared between slots would be smaller than the one announced.
    params.n_parallel = 1
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    # No page of any site is to read it through the browser; the default lets every one.
    params.cors_origins = "https://nobody.invalid"
    params.cors_origins_explicit = True
    params.ui = False
    # MiB of old prompts kept; the default takes 8 GiB of a machine that may not have them.
    params.cache_ram_mib = 512
    server = xllamacpp.Server(params)
    print(json.dumps({"address": server.listening_address}), flush=True)
    sys.stdin.buffer.read()


main()
