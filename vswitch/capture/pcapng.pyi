# Nothing here for Python: see pcapng.pxd.
