"""An OVS node as its operators see it: the commands they type, and the files that hold them."""
