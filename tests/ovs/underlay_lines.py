"""Lines about tunnels and the network below them, for a real Open vSwitch and ours; each set is for an empty node."""

# Addresses, routes and neighbours; then tunnels.
UNDERLAY = r"""
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy other-config:hwaddr=aa:55:aa:55:00:00 -- add-port \
    br0 p1 -- set Interface p1 type=dummy ofport_request=1
ovs-vsctl add-br br1 -- set bridge br1 datapath_type=dummy
ovs-appctl ovs/route/show
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24
ovs-appctl ovs/route/show
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/255.0.255.0
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/33
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88x
ovs-appctl netdev-dummy/ip4addr br0 abc
ovs-appctl netdev-dummy/ip4addr nope 1.1.2.88
ovs-appctl netdev-dummy/ip4addr br0
ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/64
ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/129
ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/ffff::1
ovs-appctl netdev-dummy/ip6addr br0 1.2.3.4
ovs-appctl netdev-dummy/ip6addr nope ::1
ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/64
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24
ovs-appctl ovs/route/add 1.1.2.92/24 br0
ovs-appctl ovs/route/add 1.1.2.92/24 br0
ovs-appctl ovs/route/add 10.0.0.0/8 br0 1.1.2.1
ovs-appctl ovs/route/add 11.0.0.0/8 br0
ovs-appctl ovs/route/add 11.0.0.0/8 br0 x
ovs-appctl ovs/route/add 11.0.0.0/8 br0 1.1.2.1 x
ovs-appctl ovs/route/add 11.0.0.0/8 br0 1.1.2.1 pkt_mark=0x10
ovs-appctl ovs/route/add 11.0.0.0/8 br0 pkt_mark=17
ovs-appctl ovs/route/add 1.1.2.93 br0 pkt_mark=17
ovs-appctl ovs/route/add 1.1.2.93/255.255.255.255 br0 pkt_mark=017
ovs-appctl ovs/route/add 1.1.2.93/255.0.255.255 br0 pkt_mark=017
ovs-appctl ovs/route/add 1.1.2.93/33 br0
ovs-appctl ovs/route/add nonsense br0
ovs-appctl ovs/route/add 1.1.2.0/24 nope
ovs-appctl ovs/route/add 2001:cafe::92/64 br0
ovs-appctl ovs/route/add 2002::/16 br0 2001:cafe::1
ovs-appctl ovs/route/add 2003::/16 br0 1.2.3.4
ovs-appctl ovs/route/add 2003::/16 br0 pkt_mark=-1
ovs-appctl ovs/route/add 0.0.0.0/0 br0 1.1.2.1
ovs-appctl ovs/route/add ::/0 br0 2001:cafe::1
ovs-appctl ovs/route/show
ovs-appctl ovs/route/lookup 1.1.2.92
ovs-appctl ovs/route/lookup 1.1.2.92/24
ovs-appctl ovs/route/lookup 10.0.0.1
ovs-appctl ovs/route/lookup 11.0.0.1 pkt_mark=16
ovs-appctl ovs/route/lookup 11.0.0.1 pkt_mark=99
ovs-appctl ovs/route/lookup 11.0.0.1 foo
ovs-appctl ovs/route/lookup foo
ovs-appctl ovs/route/lookup 2001:cafe::92
ovs-appctl ovs/route/lookup 2005:cafe::92
ovs-appctl ovs/route/lookup
ovs-appctl ovs/route/del 1.1.2.0/24
ovs-appctl ovs/route/del 1.1.2.0/24
ovs-appctl ovs/route/del x
ovs-appctl ovs/route/del 11.0.0.0/8 pkt_mark=16
ovs-appctl ovs/route/del 11.0.0.0/8 y
ovs-appctl ovs/route/show
ovs-appctl tnl/neigh/set br0 1.1.2.92 f8:bc:12:44:34:b6
ovs-appctl tnl/arp/set br0 1.1.2.93 f8:bc:12:44:34:b7
ovs-appctl tnl/neigh/set nope 2001:cafe::92 f8:bc:12:44:34:b7
ovs-appctl tnl/neigh/show
ovs-appctl tnl/neigh/set br0 1.1.2.92 0:0:0:0:0:0
ovs-appctl tnl/arp/show
ovs-appctl tnl/neigh/set br0 x f8:bc:12:44:34:b7
ovs-appctl tnl/neigh/set br0 1.1.2.1 f8:bc:12:44:34
ovs-appctl tnl/neigh/aging
ovs-appctl tnl/neigh/aging 0
ovs-appctl tnl/neigh/aging 3601
ovs-appctl tnl/neigh/aging x
ovs-appctl tnl/neigh/aging 10x
ovs-appctl tnl/arp/aging
ovs-appctl tnl/neigh/aging -5
ovs-appctl tnl/neigh/flush
ovs-appctl tnl/neigh/show
ovs-appctl tnl/ports/show
ovs-vsctl add-port br1 t1 -- set Interface t1 type=vxlan options:remote_ip=1.1.2.92 options:key=123
ovs-vsctl add-port br1 t2 -- set Interface t2 type=gre options:remote_ip=1.1.2.92
ovs-vsctl add-port br1 t3 -- set Interface t3 type=geneve options:remote_ip=flow options:key=flow
ovs-vsctl add-port br1 t4 -- set Interface t4 type=vxlan options:remote_ip=flow options:key=flow \
    options:dst_port=4790
ovs-vsctl add-port br1 t5 -- set Interface t5 type=vxlan options:remote_ip=1.1.2.93 options:key=123
ovs-vsctl add-port br1 t6 -- set Interface t6 type=vxlan options:remote_ip=1.1.2.93 options:key=123
ovs-vsctl add-port br1 t7 -- set Interface t7 type=gre options:remote_ip=2001:cafe::92 options:key=5
ovs-appctl tnl/ports/show
ovs-appctl tnl/ports/show -v
ovs-appctl tnl/ports/show x
ovs-appctl ofproto/list-tunnels
ovs-vsctl --columns=name,error,ofport list Interface
ovs-appctl dpif/show
"""

# Options of tunnels, good and bad, and their changes.
OPTIONS = r"""
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy
ovs-vsctl add-port br0 t1 -- set Interface t1 type=vxlan
ovs-vsctl add-port br0 t2 -- set Interface t2 type=vxlan options:remote_ip=foo
ovs-vsctl add-port br0 t3 -- set Interface t3 type=gre options:remote_ip=224.0.0.1
ovs-vsctl add-port br0 t4 -- set Interface t4 type=gre options:remote_ip=1.1.1.1 options:local_ip=::1
ovs-vsctl add-port br0 t5 -- set Interface t5 type=gre options:remote_ip=1.1.1.1 options:local_ip=flow
ovs-vsctl add-port br0 t6 -- set Interface t6 type=gre options:remote_ip=1.1.1.1 options:packet_type=foo
ovs-vsctl add-port br0 t7 -- set Interface t7 type=geneve options:remote_ip=1.1.1.1 options:packet_type=legacy_l3
ovs-vsctl add-port br0 t8 -- set Interface t8 type=vxlan options:remote_ip=1.1.1.1 options:packet_type=legacy_l3
ovs-vsctl add-port br0 t9 -- set Interface t9 type=vxlan options:remote_ip=1.1.1.1 options:exts=gpe,gbp,foo \
    options:packet_type=ptap options:tos=0x3 options:ttl=inherit options:nonsense=1 options:csum=yes \
    options:df_default=false options:egress_pkt_mark=12 options:key=0x10 options:dst_port=70000
ovs-vsctl add-port br0 t20 -- set Interface t20 type=gre options:remote_ip=1.1.1.9 options:in_key=1 \
    options:out_key=flow options:tos=inherit options:seq=true options:csum=true options:ttl=10
ovs-vsctl add-port br0 t21 -- set Interface t21 type=gre options:remote_ip=1.1.1.9 options:in_key=2 \
    options:out_key=3 options:tos=16 options:ttl=300 options:dst_port=3
ovs-vsctl add-port br0 t22 -- set Interface t22 type=gre options:remote_ip=1.1.1.9 options:key=abc \
    options:erspan_ver=3
ovs-vsctl add-port br0 t23 -- set Interface t23 type=gre options:remote_ip=1.1.1.10 options:key=5x \
    options:packet_type=ptap
ovs-vsctl add-port br0 t24 -- set Interface t24 type=gre options:local_ip=1.2.3.4 options:remote_ip=flow \
    options:key=0xffffffffffffffff
ovs-vsctl add-port br0 t25 -- set Interface t25 type=gre options:local_ip=1.2.3.4 options:remote_ip=bad \
    options:tos=3
ovs-vsctl --columns=name,error,ofport,status list Interface
ovs-appctl dpif/show
ovs-appctl tnl/ports/show
ovs-appctl ofproto/list-tunnels
ovs-vsctl set Interface t20 options:ttl=11 -- set Interface t21 options:remote_ip=nope
ovs-vsctl --columns=name,error,ofport list Interface t20 t21
ovs-appctl ofproto/list-tunnels
ovs-vsctl set Interface t21 options:remote_ip=1.1.1.9
ovs-vsctl --columns=name,error,ofport list Interface t20 t21
ovs-vsctl set Interface t20 options:in_key=2 options:out_key=3
ovs-vsctl --columns=name,error,ofport list Interface t20 t21
ovs-appctl ofproto/list-tunnels
ovs-vsctl set Interface t20 type=dummy
ovs-vsctl --columns=name,error,ofport list Interface t20 t21
"""

# Where tunnels listen.
LISTENING = r"""
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy other-config:hwaddr=aa:55:aa:55:00:00
ovs-vsctl add-br br1 -- set bridge br1 datapath_type=dummy other-config:hwaddr=aa:55:aa:55:00:01
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.88/24
ovs-appctl netdev-dummy/ip6addr br0 2001:cafe::88/64
ovs-appctl netdev-dummy/ip4addr br1 2.2.2.2/24
ovs-vsctl add-port br1 t1 -- set Interface t1 type=vxlan options:remote_ip=1.1.2.92 options:key=123
ovs-vsctl add-port br1 t2 -- set Interface t2 type=gre options:remote_ip=1.1.2.92
ovs-appctl tnl/ports/show -v
ovs-appctl ovs/route/add 1.1.2.92/24 br0
ovs-appctl tnl/ports/show -v
ovs-appctl ovs/route/add 2.2.2.92/24 br1
ovs-vsctl add-port br1 t3 -- set Interface t3 type=geneve options:remote_ip=flow options:key=flow
ovs-appctl tnl/ports/show -V
ovs-vsctl add-port br1 t4 -- set Interface t4 type=vxlan options:remote_ip=flow options:key=flow \
    options:dst_port=4790
ovs-appctl tnl/ports/show -v
ovs-appctl netdev-dummy/ip4addr br0 1.1.2.89/24
ovs-appctl tnl/ports/show -v
ovs-vsctl del-port t1
ovs-appctl tnl/ports/show -v
ovs-appctl ovs/route/del 2.2.2.92/24
ovs-appctl tnl/ports/show -v
ovs-vsctl add-br br-int -- set bridge br-int datapath_type=dummy
ovs-vsctl add-port br-int pa -- set Interface pa type=patch options:peer=pb
ovs-vsctl add-port br0 pb -- set Interface pb type=patch options:peer=pa
ovs-vsctl add-port br0 eth0 -- set Interface eth0 type=dummy
ovs-appctl dpif/show
ovs-appctl list-commands x
"""
