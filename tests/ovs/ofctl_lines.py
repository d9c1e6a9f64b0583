"""Lines of ovs-ofctl by what they are about; those of other tools have their name in front."""

SET_UP = r"""
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy other-config:datapath-id=0000000000000001
ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1
ovs-vsctl add-port br0 p2 -- set interface p2 type=dummy ofport_request=2
ovs-appctl time/stop
"""

TABLES = r"""
dump-tables br0
-O OpenFlow11 dump-tables br0
-O OpenFlow12 dump-tables br0
-O OpenFlow13 dump-tables br0
-O OpenFlow15 dump-tables br0
dump-table-features br0
-O OpenFlow12 dump-table-features br0
-O OpenFlow13 dump-table-features br0
-O OpenFlow14 dump-table-features br0
-O OpenFlow15 dump-table-features br0
dump-table-desc br0
-O OpenFlow14 dump-table-desc br0
-O OpenFlow15 dump-table-desc br0
add-flow br0 table=3,actions=1
-O OpenFlow12 mod-table br0 0 drop
-O OpenFlow11 --no-names mod-table br0 7 continue
-O OpenFlow11 --no-names mod-table br0 8 controller
-O OpenFlow12 dump-tables br0
-O OpenFlow12 mod-table br0 254 drop
-O OpenFlow12 mod-table br0 254 continue
-O OpenFlow12 --no-names mod-table br0 254 drop
-O OpenFlow13 mod-table br0 0 drop
-O OpenFlow14 mod-table br0 0 continue
mod-table br0 0 evict
mod-table br0 0 drop
-O OpenFlow14 mod-table br0 0 evict
-O OpenFlow14 mod-table br0 5 vacancy:20,80
-O OpenFlow14 dump-table-desc br0
-O OpenFlow15 mod-table br0 0 noevict
-O OpenFlow14 mod-table br0 5 vac:30,40
-O OpenFlow14 dump-table-desc br0
-O OpenFlow14 mod-table br0 5 novacancy
-O OpenFlow14 mod-table br0 5 vacancy:80,20
-O OpenFlow14 mod-table br0 5 vacancy:200,80
-O OpenFlow14 mod-table br0 5 vacancy:0x10,80
-O OpenFlow14 mod-table br0 5 vacancy:10
-O OpenFlow14 mod-table br0 5 vacancy
-O OpenFlow14 mod-table br0 5 vacancy:
-O OpenFlow14 mod-table br0 5 vacancy:x,1
-O OpenFlow14 mod-table br0 5 vacancy:10,x
-O OpenFlow14 mod-table br0 5 :10,20
-O OpenFlow14 mod-table br0 5 foo
-O OpenFlow14 mod-table br0 all evict
-O OpenFlow14 mod-table br0 255 noevict
-O OpenFlow14 mod-table br0 254 evict
-O OpenFlow14 --no-names mod-table br0 254 vacancy:10,20
-O OpenFlow14 mod-table br0 300 evict
-O OpenFlow14 mod-table br0 x evict
-O OpenFlow14 mod-table br9 0 evict
mod-table br0 0
-O OpenFlow14 dump-table-desc br0
-O OpenFlow15 mod-table br0 2 name:foo
ovs-vsctl set bridge br0 flow_tables:3=@x -- --id=@x create Flow_Table name=three flow_limit=10
-O OpenFlow15 mod-table br0 3 name:bar
# the tool says all tables again, message after message
-O OpenFlow13 mod-table br0 3 name:bar
-O OpenFlow15 mod-table br0 3 name:three
-O OpenFlow15 mod-table br0 254 name:bar
-O OpenFlow15 mod-table br0 all name:x
dump-tables br0
-O OpenFlow12 dump-tables br0
-O OpenFlow15 dump-table-features br0
-O OpenFlow14 mod-table br0 three vacancy:10,20
-O OpenFlow14 --names dump-table-desc br0
add-flow br0 table=foo,priority=9,actions=2
add-flow br0 table=three,actions=resubmit(,foo)
--names dump-flows br0
dump-flows br0
-O OpenFlow14 dump-table-desc br0
ovs-vsctl clear bridge br0 flow_tables
-O OpenFlow14 --names dump-table-desc br0
-O OpenFlow14 mod-table br0 foo name:averyverylongnamethatis40charslong1234567
-O OpenFlow13 dump-table-features br0
-O OpenFlow13 mod-table br0 2 name:
-O OpenFlow14 --no-names mod-table br0 foo evict
--names dump-flows br0
"""

COUNTERS = r"""
del-flows br0
add-flow br0 priority=1,actions=resubmit(,5),resubmit(,6),resubmit(,5)
add-flow br0 table=5,arp,actions=goto_table:7
add-flow br0 table=7,in_port=2,actions=1
frame p1 ffffffffffff0000000000010806000108000604000100000000000100000000000000000000000000000000
frame p1 ffffffffffff0000000000010806000108000604000100000000000100000000000000000000000000000000
frame p2 ffffffffffff0000000000020800450000140000000040010000000000000000000000
frame p2 ffffffffffff0000000000010806000108000604000100000000000100000000000000000000000000000000
dump-tables br0
-O OpenFlow12 mod-table br0 5 continue
frame p2 ffffffffffff0000000000020800450000140000000040010000000000000000000000
frame p1 ffffffffffff0000000000010806000108000604000100000000000100000000000000000000000000000000
-O OpenFlow13 dump-tables br0
set-frags br0 drop
frame p1 ffffffffffff00000000000208004500001c0000200040110000000000000000000000000000
dump-tables br0
mod-flows br0 table=5,arp,actions=drop
del-flows br0 table=7
frame p1 ffffffffffff0000000000010806000108000604000100000000000100000000000000000000000000000000
-O OpenFlow15 dump-tables br0
"""

OUT_PORT = r"""
del-flows br0
-O OpenFlow13 add-flow br0 table=1,actions=1
-O OpenFlow13 add-flow br0 table=2,actions=output(port=1,max_len=70)
-O OpenFlow13 add-flow br0 table=3,actions=enqueue:1:7
-O OpenFlow13 add-flow br0 table=4,actions=clone(output:1)
-O OpenFlow13 add-flow br0 table=5,actions=write_actions(output:1)
-O OpenFlow13 add-flow br0 table=6,actions=bundle(symmetric_l4,0,active_backup,ofport,members:1,2)
-O OpenFlow13 add-flow br0 table=7,actions=controller
-O OpenFlow13 add-flow br0 table=8,actions=output:NXM_NX_REG0[]
-O OpenFlow13 --no-stats dump-flows br0 out_port=1
-O OpenFlow13 --no-stats dump-flows br0 out_port=CONTROLLER
-O OpenFlow13 del-flows br0 out_port=1
-O OpenFlow13 --no-stats dump-flows br0
"""

QUEUES = r"""
queue-stats br0
queue-stats br0 1
queue-stats br0 ALL ALL
queue-stats br0 1 5
queue-stats br0 1 0
queue-stats br0 "" 5
queue-stats br0 9
queue-stats br0 LOCAL
queue-stats br0 p1
queue-stats br0 p9
queue-stats br0 any
--no-names queue-stats br0 p1
-O OpenFlow13 queue-stats br0
-O OpenFlow13 queue-stats br0 1 5
queue-get-config br0
queue-get-config br0 1
queue-get-config br0 9
queue-get-config br0 p1
queue-get-config br0 p9
queue-get-config br0 LOCAL
queue-get-config br0 all
-O OpenFlow14 queue-get-config br0
-O OpenFlow14 queue-get-config br0 1 2
-O OpenFlow14 queue-get-config br0 any 2
-O OpenFlow14 queue-get-config br0 LOCAL
-O OpenFlow14 queue-get-config br0 9
-O OpenFlow13 queue-get-config br0
-O OpenFlow13 queue-get-config br0 1
-O OpenFlow13 queue-get-config br0 LOCAL
-O OpenFlow13 queue-get-config br0 9
-O OpenFlow11 queue-get-config br0
"""

SETTINGS = r"""
dump-desc br0
-O OpenFlow13 dump-desc br0
ovs-vsctl set bridge br0 other_config:dp-desc="a switch" other_config:dp-sn=7
dump-desc br0
probe br0
probe br9
dump-ipfix-bridge br0
dump-ipfix-flow br0
-O OpenFlow13 dump-ipfix-flow br0
dump-group-features br0
-O OpenFlow11 dump-group-features br0
-O OpenFlow12 dump-group-features br0
-O OpenFlow13 dump-group-features br0
-O OpenFlow15 dump-group-features br0
"""

PACKET_OUT_ERRORS = r"""
packet-out br0
packet-out br0 none drop
packet-out br0 none drop 0011
packet-out br0 none drop 001122334455667788990011080g
packet-out br0 p9 drop 0011223344556677889900110800
# what the switch cannot even read, the tool shows as bytes
packet-out br0 ALL drop 0011223344556677889900110800
packet-out br0 none goto_table:1 0011223344556677889900110800
packet-out br0 none foo 0011223344556677889900110800
packet-out br0 in_port=1,actions=drop
packet-out br0 in_port=ALL,packet=0011223344556677889900110800,actions=drop
packet-out br0 in_port=p9,packet=0011223344556677889900110800,actions=drop
packet-out br0 packet,actions=drop
packet-out br0 packet=00,actions=drop
packet-out br0 packet=0011223344556677889900110800xx,actions=drop
packet-out br0 ip,packet=0011223344556677889900110800,actions=drop
packet-out br0 eth_type=0x800,packet=0011223344556677889900110800,actions=drop
packet-out br0 pkt_mark=1,packet=0011223344556677889900110800,actions=drop
packet-out br0 foo=1,packet=0011223344556677889900110800,actions=drop
packet-out br0 packet_type=1,packet=0011223344556677889900110800,actions=drop
packet-out br0 packet=0011223344556677889900110800,actions=output:99
packet-out br0 packet=0011223344556677889900110800,actions=set_field:1.2.3.4->ip_src,2
-O OpenFlow13 packet-out br0 packet=0011223344556677889900110800,actions=group:5
-O OpenFlow13 packet-out br0 packet=0011223344556677889900110806,actions=set_field:1.2.3.4->ip_src,2
-O OpenFlow15 packet-out br0 reg0=5,packet=0011223344556677889900110800,actions=group:5
packet-out br9 packet=0011223344556677889900110800,actions=drop
"""

# The map of Geneve options: what it takes, what it refuses, and flows that use it.
OPTIONS = r"""
dump-tlv-map br0
add-tlv-map br0 "{class=0xffff,type=0x80,len=4}->tun_metadata0,{class=0x102,type=1,len=8}->tun_metadata1"
add-tlv-map br0 "{class=0,type=0,len=0}->tun_metadata5"
dump-tlv-map br0
-O OpenFlow13 dump-tlv-map br0
-O OpenFlow13 add-tlv-map br0 "{class=0xffff,type=0x80,len=4}->tun_metadata2"
add-tlv-map br0 "{class=0xffff,type=3,len=4}->tun_metadata0"
add-tlv-map br0 "{class=0xffff,type=3,len=3}->tun_metadata7"
add-tlv-map br0 "{class=0xffff,type=3,len=128}->tun_metadata7"
add-tlv-map br0 "{class=0xffff,type=3,len=4}->tun_metadata64"
-O OpenFlow12 add-tlv-map br0 "{class=0xffff,type=9,len=4}->tun_metadata9,{class=1,type=9,len=4}->tun_metadata64"
-O OpenFlow11 add-tlv-map br0 "{class=0xffff,type=9,len=4}->tun_metadata64"
-F OpenFlow10 add-tlv-map br0 "{class=0x1ffff,type=0x103,len=4}->tun_metadata8"
add-tlv-map br0 "{class=0xffff,type=3}->tun_metadata7"
add-tlv-map br0 "{class=65535,type=3,len=4}->tun_metadata7,"
add-tlv-map br0 ""
del-tlv-map br0 "{class=0,type=0,len=4}->tun_metadata33"
del-tlv-map br0 ""
add-tlv-map br9 "{class=65535,type=3}"
add-tlv-map br0 "{class=0x10003,type=0x103,len=010}->tun_metadata8"
--read-only add-tlv-map br0 "{class=3,type=4,len=4}->tun_metadata9"
dump-tlv-map br0
-O OpenFlow15 packet-out br0 in_port=1,tun_metadata6=5,packet=0000000000000000000000000000,actions=load:5->tun_metadata7
-O OpenFlow15 add-group br0 group_id=1,type=all,bucket=set_field:5->tun_metadata31,output:1
-O OpenFlow15 dump-groups br0
add-flow br0 tun_metadata0=0,actions=drop
add-flow br0 tun_metadata0=0x1122334455,tun_metadata1=0xef/0xff,actions=drop
add-flow br0 tun_metadata0=0x112233445566/0xff0000ff00ff,actions=drop
add-flow br0 tun_metadata0,tun_metadata1=0x5/0x7,tun_metadata5,actions=drop
add-flow br0 tun_metadata1=0/1,actions=drop
add-flow br0 tun_metadata1=0x1122334455667788,actions=drop
add-flow br0 priority=4,actions=push:tun_metadata0[0..31],pop:tun_metadata1[0..31],delete_field:tun_metadata0
add-flow br0 priority=3,actions=move:tun_metadata0[0..31]->reg0
-O OpenFlow13 add-flow br0 priority=5,actions=set_field:0xa->tun_metadata0,set_field:0x5/0xf->tun_metadata1
-O OpenFlow13 add-flow br0 priority=6,actions=load:5->tun_metadata0[0..15],load:7->tun_metadata1
-O OpenFlow13 add-flow br0 priority=8,actions=move:tun_metadata0[0..7]->tun_metadata1[8..15]
-O OpenFlow15 add-flow br0 priority=7,actions=set_field:0xa->tun_metadata0,set_field:0x5/0xf->tun_metadata1
-O OpenFlow15 add-flow br0 priority=9,actions=load:5->tun_metadata0[0..15],load:7->tun_metadata1
--no-stats dump-flows br0
-O OpenFlow13 --no-stats dump-flows br0
-O OpenFlow15 --no-stats dump-flows br0
--no-stats dump-flows br0 tun_metadata0
--no-stats dump-flows br0 tun_metadata1=0x5/0x7
add-flow br0 tun_metadata0,tun_metadata0,actions=drop
del-tlv-map br0
del-tlv-map br0 "{class=0,type=0,len=4}->tun_metadata0"
del-flows br0 tun_metadata0=0x11223344
--no-stats dump-flows br0 tun_metadata0
del-flows br0
# Transactions of flow-mods have other numbers here, and the rest of the message is the flow.
add-flow br0 "in_port=2 actions=move:tun_metadata3[0..31]->NXM_NX_REG0[]"
# The same.
add-flow br0 "in_port=2 actions=move:tun_metadata0[32..63]->NXM_NX_REG0[]"
# The same.
add-flow br0 "in_port=2 actions=push:tun_metadata3[0..31]"
# The same.
add-flow br0 "in_port=2 actions=pop:tun_metadata0[32..63]"
# The same.
add-flow br0 "in_port=3, actions=load:0x11223344->tun_metadata3"
# The same.
add-flow br0 "in_port=2 actions=output:tun_metadata3[0..31]"
# The same.
add-flow br0 "in_port=2 actions=output:tun_metadata0[32..63]"
# The same.
add-flow br0 "in_port=2 actions=multipath(eth_src,50,modulo_n,1,0,tun_metadata3[0..31])"
# The same.
add-flow br0 "in_port=2 actions=bundle_load(eth_src,50,hrw,ofport,tun_metadata0[32..63], members:4,8)"
# The same.
add-flow br0 "in_port=2 actions=learn(tun_metadata3[0..31]=reg0[0..31])"
# The same.
add-flow br0 "in_port=2 actions=learn(tun_metadata0[32..63]=reg0[0..31])"
# The same.
add-flow br0 "in_port=2 actions=clone(move:tun_metadata0[32..63]->reg0[0..31])"
# The same.
add-flow br0 "tun_metadata3=0x11223344 actions=output:2"
# The same.
add-flow br0 "priority=6,actions=delete_field:tun_metadata10"
--no-stats dump-flows br0
add-flow br0 "in_port=2 actions=push:tun_metadata1[0..31],clone(move:tun_metadata0[0..31]->reg0[0..31])"
del-tlv-map br0 "{class=1,type=1,len=4}->tun_metadata0"
del-tlv-map br0 "{class=1,type=1,len=4}->tun_metadata1,{class=1,type=1,len=4}->tun_metadata5"
dump-tlv-map br0
del-flows br0
del-tlv-map br0 "{class=1,type=1,len=4}->tun_metadata1,{class=1,type=1,len=4}->tun_metadata5"
dump-tlv-map br0
del-tlv-map br0
dump-tlv-map br0
"""

# Where options lie shows in what still has room.
OPTION_SPACE = r"""
add-tlv-map br0 "{class=0xffff,type=0,len=4}->tun_metadata0,{class=0xffff,type=1,len=8}->tun_metadata1"
add-tlv-map br0 "{class=0xffff,type=2,len=124}->tun_metadata2,{class=0xffff,type=3,len=124}->tun_metadata3"
add-tlv-map br0 "{class=0xffff,type=2,len=124}->tun_metadata2"
add-tlv-map br0 "{class=0xffff,type=3,len=4}->tun_metadata3"
add-tlv-map br0 "{class=0xffff,type=4,len=112}->tun_metadata4"
del-tlv-map br0 "{class=0xffff,type=3,len=4}->tun_metadata3"
add-tlv-map br0 "{class=0xffff,type=3,len=8}->tun_metadata3"
add-tlv-map br0 "{class=0xffff,type=5,len=4}->tun_metadata5"
add-flow br0 tun_metadata3=0x1234567890abcdef,actions=2
add-flow br0 tun_metadata3=0x1234567800000000/0xffffffff00000000,actions=2
--no-stats dump-flows br0
dump-tlv-map br0
"""

SCRIPTS = {
    "packet-out": PACKET_OUT_ERRORS, "tables": TABLES, "counters": COUNTERS, "queues": QUEUES, "settings": SETTINGS,
    "options of tunnels": OPTIONS, "space for options": OPTION_SPACE, "out_port": OUT_PORT,
}  # fmt: skip
