"""Lines of ovs-ofctl about groups, meters and fragments, told one after the other to the same bridge."""

LINES = r"""
-O OpenFlow13 add-group br0 group_id=1,type=all,bucket=output:1,bucket=in_port
-O OpenFlow13 add-group br0 group_id=1,type=all,bucket=output:1,bucket=in_port
add-group br0 group_id=1,type=all,bucket=output:1
add-group br0 group_id=2,type=select,selection_method=hash,fields(eth_dst,ip_dst=255.255.255.0),bucket=1
-O OpenFlow13 add-group br0 group_id=3,type=ff,bucket=watch_port:1,output:1,bucket=watch_port:2,2
-O OpenFlow13 add-group br0 group_id=9,type=select,selection_method=hash,bucket=1
dump-groups br0
-O OpenFlow13 dump-groups br0
-O OpenFlow13 dump-groups br0 3
-O OpenFlow15 dump-groups br0 3
-O OpenFlow15 dump-groups br0 77
dump-group-stats br0
-O OpenFlow13 dump-group-stats br0 group_id=2
-O OpenFlow13 dump-group-stats br0 group_id=99
-O OpenFlow11 dump-group-stats br0 group_id=2
-O OpenFlow15 insert-buckets br0 group_id=2,command_bucket_id=first,bucket=bucket_id:9,actions=3
-O OpenFlow15 insert-buckets br0 group_id=2,command_bucket_id=77,bucket=bucket_id:19,actions=3
-O OpenFlow15 insert-buckets br0 group_id=2,command_bucket_id=7,bucket=bucket_id:7,actions=4
-O OpenFlow15 insert-buckets br0 group_id=2,command_bucket_id=7,bucket=bucket_id:8,actions=4
-O OpenFlow15 dump-groups br0 2
-O OpenFlow15 remove-buckets br0 group_id=2,command_bucket_id=last
-O OpenFlow15 remove-buckets br0 group_id=2,command_bucket_id=55
-O OpenFlow15 remove-buckets br0 group_id=77,command_bucket_id=all
-O OpenFlow13 remove-buckets br0 group_id=2,command_bucket_id=last
-O OpenFlow15 dump-groups br0 2
-O OpenFlow15 remove-buckets br0 group_id=2,command_bucket_id=9
-O OpenFlow15 dump-groups br0 2
-O OpenFlow13 mod-group br0 group_id=5,type=all,bucket=1
-O OpenFlow13 --may-create mod-group br0 group_id=5,type=indirect,bucket=1
-O OpenFlow13 mod-group br0 group_id=5,type=all
-O OpenFlow13 dump-groups br0
--no-names -O OpenFlow13 dump-groups br0
--names -O OpenFlow13 dump-groups br0
-O OpenFlow13 add-flow br0 actions=group:1
-O OpenFlow13 add-flow br0 in_port=7,actions=group:88
-O OpenFlow13 add-flow br0 in_port=8,actions=meter:1,1
-O OpenFlow13 add-flow br0 in_port=9,actions=write_actions(group:88)
dump-group-stats br0
-O OpenFlow13 del-groups br0 group_id=1
-O OpenFlow13 dump-flows br0
-O OpenFlow13 del-groups br0
-O OpenFlow13 dump-groups br0
add-group br0 group_id=1
add-group br0 type=all
add-group br0 group_id=1,type=some
add-group br0 group_id=1,type=all,foo=2
add-group br0 group_id=5000000000,type=all
add-group br0 group_id=0xffffff01,type=all
add-group br0 group_id=1,type=all,bucket=weight:2,1
add-group br0 group_id=1,type=indirect,bucket=1,bucket=2
add-group br0 group_id=1,type=ff,bucket=1
add-group br0 group_id=1,type=all,bucket=
add-group br0 group_id=1,type=all,bucket=foo
add-group br0 group_id=1,type=all,bucket=watch_port:foo,1
add-group br0 group_id=1,type=all,bucket=goto_table:3
add-group br0 group_id=1,type=select,fields=eth_dst,bucket=1
add-group br0 group_id=1,type=select,selection_method_param=1,bucket=1
add-group br0 group_id=1,type=select,selection_method=abcdefghijklmnop,bucket=1
add-group br0 group_id=1,type=all,command_bucket_id=first,bucket=1
add-group br0 group_id=1,type=all,bucket=watch_port:1,1
insert-buckets br0 group_id=1,bucket=1
insert-buckets br0 group_id=1,command_bucket_id=all,bucket=1
remove-buckets br0 group_id=1,command_bucket_id=all,bucket=1
insert-buckets br0 group_id=1,type=all,command_bucket_id=first,bucket=1
del-groups br0 foo=3
del-groups br0 group_id=7
-O OpenFlow13 add-meter br0 meter=1,pktps,burst,bands=type=drop,rate=1,burst_size=2
-O OpenFlow13 add-meter br0 meter=1,pktps,burst,bands=type=drop,rate=1,burst_size=2
-O OpenFlow13 add-meter br0 meter=3,pktps,kbps,bands=type=drop,rate=1
-O OpenFlow13 add-meter br0 meter=4,kbps,stats,bands=type=drop,rate=10,type=drop,rate=100
-O OpenFlow13 mod-meter br0 meter=7,kbps,bands=type=drop,rate=100
-O OpenFlow13 add-flow br0 in_port=8,actions=meter:1,1
-O OpenFlow13 dump-meters br0
-O OpenFlow13 dump-meter br0 meter=1
-O OpenFlow13 dump-meter br0 meter=5
-O OpenFlow13 meter-stats br0
-O OpenFlow13 meter-stats br0 meter=2
add-meter br0 meter=9,kbps,bands=type=drop,rate=100
-O OpenFlow13 mod-meter br0 meter=1,kbps,bands=type=drop,rate=100
-O OpenFlow13 dump-meters br0
-O OpenFlow13 del-meter br0 meter=1
-O OpenFlow13 dump-flows br0
-O OpenFlow13 del-meters br0
-O OpenFlow13 dump-meters br0
-O OpenFlow13 add-meter br0 meter=1
-O OpenFlow13 add-meter br0 kbps,bands=type=drop,rate=1
-O OpenFlow13 add-meter br0 meter=1,bands=type=drop,rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=foo,rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=drop
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=drop,rate=1,burst_size=3
-O OpenFlow13 add-meter br0 meter=1,kbps,burst,bands=type=drop,rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=drop,rate=1,prec_level=3
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=dscp_remark,rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=dscp_remark,rate=1,prec_level=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=drop,rate=1,type=dscp_remark,rate=1,prec_level=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=drop,rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,bands=type=dscp_remark,rate=1,prec_level=1
-O OpenFlow13 mod-meter br0 meter=1,kbps,bands=type=dscp_remark,rate=1,prec_level=1
-O OpenFlow13 mod-meter br0 meter=2,kbps,bands=type=dscp_remark,rate=1,prec_level=1
-O OpenFlow13 dump-meters br0
-O OpenFlow13 meter-features br0
-O OpenFlow13 del-meters br0
-O OpenFlow13 add-meter br0 meter=0,kbps,bands=type=drop,rate=1
-O OpenFlow13 add-meter br0 meter=1,kbps,foo=3,bands=type=drop,rate=1
get-frags br0
set-frags br0 drop
get-frags br0
set-frags br0 nx-match
get-frags br0
set-frags br0 foo
set-frags br0 reassemble
"""

# Tables that take only so many flows.
LIMITED = r"""
ovs-vsctl -- --id=@t create Flow_Table name=first flow_limit=3 overflow_policy=evict -- set bridge br0 flow_tables:0=@t
ovs-vsctl -- --id=@t create Flow_Table flow_limit=1 -- set bridge br0 flow_tables:1=@t
add-flow br0 idle_timeout=50,in_port=1,actions=2
add-flow br0 idle_timeout=40,in_port=2,actions=1
add-flow br0 in_port=3,actions=1
--no-stats dump-flows br0
add-flow br0 idle_timeout=60,in_port=4,actions=1
--no-stats dump-flows br0
add-flow br0 idle_timeout=60,in_port=4,actions=2
--no-stats dump-flows br0
add-flow br0 table=1,in_port=4,actions=2
-O OpenFlow13 add-flow br0 table=1,in_port=5,actions=2
mod-flows br0 table=1,in_port=4,actions=3
mod-flows br0 table=1,in_port=5,actions=3
add-flow br0 table=1,in_port=4,actions=4
add-flow br0 table=first,in_port=4,actions=resubmit(,first)
--no-stats --names dump-flows br0
--no-stats dump-flows br0
add-flow br0 importance=5,idle_timeout=10,in_port=6,actions=1
-O OpenFlow14 add-flow br0 importance=5,idle_timeout=10,in_port=6,actions=1
-O OpenFlow14 add-flow br0 importance=4,idle_timeout=20,in_port=7,actions=1
--no-stats dump-flows br0
-O OpenFlow14 del-flows br0 table=first
-O OpenFlow14 add-flow br0 importance=5,idle_timeout=10,in_port=6,actions=1
-O OpenFlow14 add-flow br0 importance=4,idle_timeout=20,in_port=7,actions=1
-O OpenFlow14 add-flow br0 importance=9,hard_timeout=20,in_port=8,actions=1
-O OpenFlow14 add-flow br0 importance=1,hard_timeout=20,in_port=9,actions=1
-O OpenFlow14 add-flow br0 importance=1,hard_timeout=40,in_port=10,actions=1
-O OpenFlow14 --no-stats dump-flows br0
ovs-vsctl set Flow_Table first flow_limit=1
-O OpenFlow14 --no-stats dump-flows br0
"""
