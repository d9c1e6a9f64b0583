"""The configuration database of a node, as OVSDB keeps it: schema, values, rows and transactions."""
