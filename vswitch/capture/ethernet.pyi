# Nothing here for Python: see ethernet.pxd.
