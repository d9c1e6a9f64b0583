"""Lines of ovs-appctl and ovs-ofctl whose answers do not depend on frames, but for one that is sent in between."""

SET_UP = r"""
ovs-vsctl add-br br0 -- set bridge br0 datapath_type=dummy other-config:datapath-id=0000000000000001
ovs-vsctl add-port br0 p1 -- set interface p1 type=dummy ofport_request=1
ovs-vsctl add-port br0 p2 -- set interface p2 type=dummy ofport_request=2
ovs-appctl time/stop
"""

FRAME_PORT, FRAME = "p1", "ffffffffffff0000000000010800"  # learned on port 1, flooded to the others

LINES = r"""
ovs-appctl time/warp 1000
ovs-appctl fdb/show br0
ovs-appctl fdb/show
ovs-appctl fdb/show br9
ovs-appctl fdb/show br0 br1
ovs-appctl fdb/shoe br0
ovs-appctl fdb/stats-show br0
ovs-appctl fdb/add br0 p2 5 00:00:00:00:00:02
ovs-appctl fdb/add br0 p2 0 00:00:00:00:00:01
ovs-appctl fdb/add br0 p1 0 00:00:00:00:00:01
ovs-appctl fdb/add br0 p1 0 00:00:00:00:00:01
ovs-appctl fdb/add br0 p9 0 00:00:00:00:00:01
ovs-appctl fdb/add br9 p9 0 00:00:00:00:00:01
ovs-appctl fdb/add br0 br0 4095 0:0:0:0:0:a
ovs-appctl fdb/add br0 p1 0 00:00:00:00:00
ovs-appctl fdb/show br0
ovs-appctl fdb/stats-show br0
ovs-appctl fdb/del br0 0 00:00:00:00:00:01
ovs-appctl fdb/del br0 0 00:00:00:00:00:01
ovs-appctl fdb/del br9 0 00:00:00:00:00:01
ovs-appctl fdb/del br0 0 x
ovs-appctl fdb/flush br0
ovs-appctl fdb/flush
ovs-appctl fdb/flush br9
ovs-appctl fdb/show br0
ovs-appctl fdb/stats-clear br0
ovs-appctl fdb/stats-show br0
ovs-appctl fdb/stats-show br9
ovs-appctl mdb/show br0
ovs-appctl mdb/show br9
ovs-appctl mdb/flush br0
ovs-appctl mdb/flush
ovs-vsctl set bridge br0 mcast_snooping_enable=true
ovs-appctl mdb/show br0
ovs-appctl time/warp 0
ovs-appctl time/warp x
ovs-appctl time/warp 2000 500
ovs-appctl netdev-dummy/set-admin-state p1 down
ovs-appctl netdev-dummy/set-admin-state p9 down
ovs-appctl netdev-dummy/set-admin-state p1 foo
ovs-appctl ofproto/list
ovs-appctl version
ovs-appctl
ovs-appctl -t ovs-vswitchd version
ovs-appctl --version
ovs-appctl --foo version
ovs-appctl -T 0 version
ovs-ofctl show br0
ovs-ofctl -O OpenFlow11 show br0
ovs-ofctl -O OpenFlow13 show br0
ovs-ofctl dump-ports br0
ovs-ofctl dump-ports br0 p1
ovs-ofctl dump-ports br0 1
ovs-ofctl dump-ports br0 99
ovs-ofctl dump-ports br0 zz
ovs-ofctl --no-names dump-ports br0 LOCAL
ovs-ofctl --names dump-ports br0
ovs-ofctl -O OpenFlow13 dump-ports br0 p1
ovs-ofctl dump-ports-desc br0
ovs-ofctl -O OpenFlow13 dump-ports-desc br0
ovs-ofctl -O OpenFlow15 dump-ports-desc br0 p1
ovs-ofctl dump-ports-desc br0 p1
ovs-ofctl dump-ports-desc br0 zz
ovs-ofctl dump-flows br0
ovs-ofctl dump-flows br0 -O OpenFlow13
ovs-ofctl -O OpenFlow10,OpenFlow13 dump-flows br0
ovs-ofctl --no-stats dump-flows br0
ovs-ofctl --names dump-flows br0
ovs-ofctl -O OpenFlow15 dump-flows br0
ovs-ofctl dump-flows br0 table=0
ovs-ofctl dump-flows br0 table=1
ovs-ofctl dump-aggregate br0
ovs-ofctl -O OpenFlow13 dump-aggregate br0
ovs-ofctl mod-port br0 p1 up
ovs-ofctl mod-port br0 p1 DOWN
ovs-ofctl mod-port br0 p1 no-flood
ovs-ofctl mod-port br0 1 no-forward
ovs-ofctl mod-port br0 1 no-packet-in
ovs-ofctl mod-port br0 1 noreceive
ovs-ofctl mod-port br0 1 no-receive-stp
ovs-ofctl mod-port br0 1 no-stp
ovs-ofctl mod-port br0 p1 foo
ovs-ofctl mod-port br0 p9 down
ovs-ofctl mod-port br9 p9 down
ovs-ofctl mod-port br0 p9
ovs-ofctl show br0
ovs-ofctl -O OpenFlow13 mod-port br0 p1 flood
ovs-ofctl -O OpenFlow13 mod-port br0 p1 forward
ovs-ofctl show br0
ovs-ofctl -O OpenFlow13 show br0
ovs-ofctl mod-port br0 p1 up
ovs-ofctl dump-ports-desc br0
ovs-ofctl del-flows br0
ovs-ofctl dump-flows br0
ovs-ofctl dump-aggregate br0
ovs-ofctl add-flow br0 actions=NORMAL
ovs-ofctl add-flow br0 priority=7,actions=drop
ovs-ofctl dump-flows br0
ovs-ofctl -O OpenFlow13 dump-flows br0
ovs-ofctl --no-stats dump-flows br0
ovs-ofctl --sort dump-flows br0
ovs-ofctl --rsort=priority dump-flows br0
ovs-ofctl -O OpenFlow13 del-flows br0
ovs-ofctl -O OpenFlow13 add-flow br0 cookie=0x12,priority=7,actions=normal
ovs-ofctl -O OpenFlow13 dump-flows br0
ovs-ofctl --no-stats dump-flows br0
ovs-ofctl add-flow br9 actions=drop
ovs-ofctl dump-flows br9
ovs-ofctl foo br0
ovs-ofctl show
ovs-ofctl show br0 br1
ovs-ofctl --foo show br0
ovs-ofctl -O OpenFlow9 show br0
ovs-ofctl --read-only del-flows br0
ovs-ofctl
ovs-ofctl --version
ovs-vsctl get open . next_cfg cur_cfg
ovs-vsctl --may-exist add-br br0
ovs-vsctl -- --id=@m create mirror name=x
ovs-vsctl get open . next_cfg cur_cfg
ovs-vsctl add-port br0 bad -- set interface bad type=patch
ovs-vsctl get interface bad ofport error
"""
