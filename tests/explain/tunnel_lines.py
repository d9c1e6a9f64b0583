# ruff: noqa: E501
"""Lines for test_trace_oracle.py: tunnels of all kinds over one bridge, and traces through them."""

SETUP = """
ovs-vsctl add-br br0 -- set-fail-mode br0 secure -- set Bridge br0 other_config:hwaddr="aa:55:aa:55:00:00"
ovs-vsctl add-port br0 p1 -- set Interface p1 type=dummy ofport_request=1
ovs-vsctl add-port br0 v1 -- set Interface v1 type=vxlan options:remote_ip=flow options:key=flow ofport_request=5
ovs-vsctl add-port br0 g1 -- set Interface g1 type=gre options:remote_ip=1.1.2.92 options:key=77 options:csum=true options:seq=true options:df_default=false ofport_request=6
ovs-vsctl add-port br0 n1 -- set Interface n1 type=geneve options:remote_ip=1.1.2.92 options:key=flow options:tos=inherit options:ttl=inherit ofport_request=7
ovs-vsctl add-port br0 g6 -- set Interface g6 type=gre options:remote_ip=2001:cafe::92 options:key=5 ofport_request=8
ovs-vsctl add-port br0 v6 -- set Interface v6 type=vxlan options:remote_ip=2001:cafe::93 options:key=9 options:csum=true ofport_request=9
ovs-vsctl add-port br0 vx -- set Interface vx type=vxlan options:remote_ip=1.1.2.77 options:key=9 options:exts=gpe options:dst_port=4790 options:egress_pkt_mark=7 ofport_request=10
ovs-vsctl add-port br0 vr -- set Interface vr type=vxlan options:remote_ip=9.9.9.9 options:key=9 ofport_request=11
ovs-vsctl add-port br0 vg -- set Interface vg type=vxlan options:remote_ip=5.5.5.5 options:key=9 options:dst_port=4791 ofport_request=12
ovs-vsctl add-br brp -- set Bridge brp other_config:hwaddr="aa:55:aa:55:00:01"
ovs-vsctl add-port brp eth9 -- set Interface eth9 type=dummy ofport_request=1
ovs-appctl netdev-dummy/ip4addr brp 1.1.2.88/24
ovs-appctl netdev-dummy/ip6addr brp 2001:cafe::88/24
ovs-appctl ovs/route/add 1.1.2.92/24 brp
ovs-appctl ovs/route/add 2001:cafe::92/24 brp
ovs-appctl ovs/route/add 5.5.0.0/16 brp 1.1.2.1
ovs-appctl tnl/neigh/set brp 1.1.2.92 f8:bc:12:44:34:b6
ovs-appctl tnl/neigh/set brp 1.1.2.1 f8:bc:12:44:34:01
ovs-appctl tnl/neigh/set brp 2001:cafe::92 f8:bc:12:44:34:b7
ovs-appctl tnl/neigh/set brp 2001:cafe::93 f8:bc:12:44:34:b8
ovs-ofctl add-tlv-map br0 "{class=0xffff,type=0x81,len=4}->tun_metadata0,{class=0xffff,type=1,len=8}->tun_metadata3"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.1,actions=set_field:5->tun_id,set_field:1.1.2.92->tun_dst,output:5"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.2,actions=output:6"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.3,actions=set_field:0xa->tun_metadata0,set_field:0xb->tun_metadata3,set_field:9->tun_id,mod_nw_tos:32,output:7"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.4,actions=output:8"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.5,actions=output:9"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.6,actions=output:10"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.7,actions=output:11"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.8,actions=output:12"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.9,actions=output:6,mod_dl_src:02:00:00:00:00:09,output:9,output:12"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.10,actions=output:5"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.11,actions=output(port=6,max_len=64)"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.12,actions=clone(mod_dl_src:02:00:00:00:00:09,output:6),output:6"
ovs-ofctl add-flow br0 "in_port=1,ip,nw_dst=1.0.0.13,actions=output:10,resubmit(,1),output:6,output:8"
ovs-ofctl add-flow br0 "table=1,pkt_mark=7,actions=output:7"
ovs-ofctl add-flow br0 "in_port=1,arp,actions=output:6"
ovs-ofctl add-flow br0 "in_port=5,actions=output:1,IN_PORT"
ovs-ofctl add-flow br0 "in_port=7,tun_metadata3=0xb,actions=output:1"
ovs-ofctl add-flow brp "priority=10,udp,tp_dst=4790,actions=mod_nw_ttl:9,output:1"
"""

TRACES = """
br0 in_port=p1,arp
br0 in_port=v1,tun_src=1.1.2.92,tun_dst=1.1.2.88,tun_id=5,tun_ttl=64,ip
br0 in_port=n1,tun_src=1.1.2.92,tun_dst=1.1.2.88,tun_id=5,tun_ttl=64,tun_metadata3=0xb,tun_metadata0=1,ip
brp in_port=eth9,udp,dl_dst=aa:55:aa:55:00:01,nw_dst=1.1.2.88,udp_dst=4789
brp in_port=eth9,udp,dl_dst=aa:55:aa:55:00:01,nw_dst=1.1.2.89,udp_dst=4789
brp in_port=eth9,udp,dl_dst=aa:55:aa:55:00:01,nw_dst=1.1.2.88,udp_dst=99
brp in_port=eth9,udp,dl_dst=aa:55:aa:55:00:02,nw_dst=1.1.2.88,udp_dst=99
brp in_port=eth9,ip,nw_proto=47,dl_dst=aa:55:aa:55:00:01,nw_dst=1.1.2.88
brp in_port=eth9,ip,nw_proto=47,dl_dst=aa:55:aa:55:00:01,nw_dst=1.1.2.88,nw_frag=first
brp in_port=eth9,ipv6,nw_proto=47,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::88
brp in_port=eth9,udp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::88,udp_dst=6081
brp in_port=eth9,dl_vlan=5,udp,dl_dst=aa:55:aa:55:00:01,nw_dst=1.1.2.88,udp_dst=4789
brp in_port=eth9,arp,arp_tpa=1.1.2.88,arp_spa=1.1.2.92,arp_op=2,arp_sha=f8:bc:12:44:34:b6
brp in_port=eth9,arp,arp_tpa=1.1.2.88,arp_spa=1.1.2.92,arp_op=1,arp_sha=f8:bc:12:44:34:b6
brp in_port=eth9,arp,arp_tpa=1.1.2.92,arp_spa=1.1.2.92,arp_op=1,arp_sha=f8:bc:12:44:34:b6
brp in_port=eth9,arp,arp_tpa=1.1.2.9,arp_spa=1.1.2.92,arp_op=1,arp_sha=f8:bc:12:44:34:b6
brp in_port=eth9,icmp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::88,icmpv6_type=136
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.1,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.2,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.3,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.4,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.5,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.6,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.7,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.8,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.9,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.10,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.11,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.12,nw_ecn=1,nw_ttl=7
br0 in_port=p1,udp,dl_src=02:00:00:00:00:01,dl_dst=02:00:00:00:00:02,nw_src=1.0.0.77,nw_dst=1.0.0.13,nw_ecn=1,nw_ttl=7
brp in_port=eth9,icmp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::88,icmpv6_type=136,nd_target=2001:cafe::77,nd_tll=02:00:00:00:00:09
brp in_port=eth9,icmp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::88,icmpv6_type=135,nd_target=2001:cafe::77
brp in_port=eth9,icmp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::99,icmpv6_type=136
brp in_port=eth9,icmp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=ff02::1:ff00:88,icmpv6_type=136
brp in_port=eth9,icmp6,dl_dst=aa:55:aa:55:00:01,ipv6_dst=2001:cafe::88,icmpv6_type=129
"""
