"""Command lines of ovs-vsctl, by what they are about: most of them wrong in one way or another.

Each scenario starts with an empty database; its lines build on each other.
"""

SCENARIOS = {
    "bridges": r"""
        list-br
        add-br br0
        add-br br0
        --may-exist add-br br0
        add-br br1 -- add-br br2
        list-br
        br-exists br1
        br-exists br9
        br-to-vlan br0
        br-to-parent br0
        br-to-parent br9
        del-br br9
        --if-exists del-br br9
        --if-exists del-br br2
        list-br
        add-br ""
        add-br br3 br0
        add-br br3 br9 10
        add-br br3 br0 4096
        add-br br3 br0 -1
        list-br --real
        --real list-br
        --fake list-br
        show
        emer-reset
    """,
    "fake bridges": r"""
        add-br br0
        add-br vlan9 br0 9
        add-br vlan9b br0 9
        add-br sub vlan9 10
        add-port vlan9 p9
        add-port br0 p0
        add-port br0 q9 tag=9
        list-ports br0
        list-ports vlan9
        list-ifaces vlan9
        port-to-br p9
        port-to-br vlan9
        iface-to-br q9
        br-to-vlan vlan9
        br-to-parent vlan9
        --may-exist add-br vlan9
        --may-exist add-br br0 br0 9
        --may-exist add-br vlan9 br0 9
        --may-exist add-br vlan9 br0 8
        --may-exist add-br vlan9 br1 9
        --fake list-br
        --real list-br
        del-port br0 p9
        del-port vlan9 p0
        del-port vlan9
        br-set-external-id vlan9 k v
        br-get-external-id vlan9
        br-get-external-id vlan9 k
        br-set-external-id vlan9 k
        br-get-external-id vlan9
        set-fail-mode vlan9 secure
        set-controller vlan9 tcp:1.2.3.4
        get-fail-mode vlan9
        add-br weird br0 12abc
        show
        del-br vlan9
        list-ports br0
        del-br br0
        show
    """,
    "ports": r"""
        add-br br0 -- add-br br1
        add-port br0 p1
        add-port br0 p1
        add-port br1 p1
        add-port br9 p2
        add-port br0 br1
        --may-exist add-port br0 p1
        --may-exist add-port br1 p1
        add-port br0 p2 tag=5 other_config:a=b
        add-port br0 p3 tag=4096
        add-port br0 p3 tog=1
        add-port br0 p3 tag
        add-port br0 ""
        add-port br0
        add-port br0 p4 -- set interface p4 type=internal options:x=y
        list-ports br0
        list-ports br9
        list-ifaces br0
        port-to-br p2
        port-to-br br0
        port-to-br nix
        iface-to-br p2
        iface-to-br nix
        del-port br1 p1
        del-port br0 p1
        del-port p1
        --if-exists del-port p1
        --if-exists del-port br0
        del-port br0
        del-port br0 br0
        --with-iface del-port nix
        add-port br0 p5 -- add-port br0 p5
        add-port br0 p6 -- foo
        list-ports br0
        show
        del-br br0
        list Port
    """,
    "bonds": r"""
        add-br br0 -- add-br br1
        add-bond br0 bond0 a b
        add-bond br0 bond1 a
        add-bond br0 bond1 a c
        add-bond br0 bond1 c lacp=active
        add-bond br0 bond1 c d lacp=active bond_mode=balance-tcp
        add-bond br0 bond2 e f bond_mode=balance
        --fake-iface add-bond br0 bond2 e f
        --may-exist add-bond br0 bond0 b a
        --may-exist add-bond br0 bond0 a x
        --may-exist add-bond br1 bond0 a b
        --may-exist add-bond br1 bond0 a "b c"
        add-bond-iface bond0 a
        add-bond-iface bond0 g
        --may-exist add-bond-iface bond0 g
        --may-exist add-bond-iface bond1 g
        add-bond-iface nix g
        del-bond-iface bond1 a
        del-bond-iface a
        del-bond-iface bond0 b
        del-bond-iface g
        del-bond-iface bond0 nix
        --if-exists del-bond-iface bond0 nix
        --with-iface del-port c
        list-ifaces br0
        list-ports br0
        iface-to-br c
        port-to-br c
        get port bond2 bond_fake_iface
        show
    """,
    "options": r"""
        --foo add-br br0
        --may-exist list-br
        --may-exist=yes add-br br0
        --may-exist --may-exist add-br br0
        --columns list Bridge
        --columns=name list Bridge extra
        -- --may-exist add-br br0
        -- --may-exist --may-exist add-br br0
        -- --columns list Bridge
        -- --nope add-br br0
        -- --if-exists=1 del-br br0
        --if-exists
        -- --if-exists
        --
        add-br br0 --
        -- add-br brx --
        add-br br1 --may-exist
        add-br a b 1 d
        add-br a b 1 --d
        --bare --columns=name list Bridge
        --bar --col=name list Bridge
        --no list-br
        --columns
        -x list-br
        -t list-br
        -t 0 list-br
        -t5 list-br
        --timeout=5 list-br
        --timeout=x list-br
        --oneline list-br -- list-ports br0
        --oneline get bridge br0 name -- add-port br0 p1 -- list-br
        --format=foo list Bridge
        --data=foo list Bridge
        --dry-run add-br dry
        -vwarn list-br
        add-br 'a"b\c'
        --oneline list-br
        --version
        list-br
    """,
    "names": r"""
        add-br br0
        get Bridge br0 name
        get bridge br0 name
        get br br0 NAME
        get BRIDGE br0 fail-mode
        get b br0 fail_m
        get s br0 name
        get f br0 name
        get fl br0 name
        get flow br0 name
        get '' br0 name
        get foo br0 name
        get open . next
        get open . ex
        get ov . ex
        get Open . e
        get open-vswitch . external-ids
        get bridge br0 s
        get bridge br0 st
        get bridge br0 foo
        get bridge br0 ''
        get bridge br0 :x
        get bridge br9 name
        get bridge . name
        get port . name
        --if-exists get bridge br9 name
        get bridge br0 _uuid
        get bridge br0 -uuid
        get bridge br0 _UUID name
        get bridge br0
        get bridge br0 name:x
        get bridge br0 other_config:x
        --if-exists get bridge br0 other_config:x
        get bridge br0 other_config=x
        get bridge br0 name=
        get controller br0 target
        get interface br0 type
        get ssl . private_key
        list ssl
        list controller
        get bridge deadbeef name
        get bridge 00000000-0000-0000-0000-000000000000 name
        list bridge br0 br9
        --if-exists list bridge br9
        find bridge nam=br0
        set bridge br9 fail_mode=secure
        --if-exists set bridge br9 fail_mode=secure
        --if-exists set bridge br9 foo=secure
    """,
    "set": r"""
        add-br br0 -- add-port br0 p1
        set port p1 tag=10
        get port p1 tag
        set port p1 tag=[]
        get port p1 tag
        set port p1 tag=4095
        set port p1 tag=4096
        set port p1 tag=-1
        set port p1 tag=x
        set port p1 tag=
        set port p1 tag
        set port p1 tag:5=6
        set port p1 tag=1,2
        set port p1 tag=1-2
        set port p1 tag=[1]
        set port p1 tag=0x10
        set port p1 tag=+5
        set port p1 'tag= 6 '
        set port p1 tag=99999999999999999999
        get port p1 tag
        set port p1 trunks=1,2,3
        get port p1 trunks
        set port p1 'trunks=[3, 5-7 9]'
        get port p1 trunks
        set port p1 trunks=7-5
        set port p1 trunks=4000-4100
        set port p1 trunks=0-4095
        set port p1 trunks=0-4096
        set port p1 trunks=-3--1
        set port p1 trunks=1,1
        set port p1 trunks=1,,2
        set port p1 trunks=[1,2
        set port p1 trunks=1,2]
        set port p1 'trunks=[1,2] 3'
        set port p1 trunks={1}
        set port p1 trunks=[1,2,]
        set port p1 trunks=1=2
        set port p1 trunks='[ ]'
        get port p1 trunks
        set port p1 vlan_mode=trunk
        set port p1 vlan_mode=foo
        set port p1 vlan_mode='"access"'
        set port p1 vlan-mode=native-untagged protected=yes
        get port p1 vlan_mode protected
        set port p1 protected=maybe
        set port p1 protected=[]
        set port p1 protected=on protected=off
        set port p1 name=p2
        set port p1 interfaces=[]
        set port p1 interfaces=x
        set port p1 interfaces=@x
        set port p1 interfaces=00000000-0000-0000-0000-000000000001
        set port p1 bond_updelay=9223372036854775807
        set port p1 bond_updelay=9223372036854775808
        set port p1 bond_updelay=-9223372036854775808
        set port p1 mac=''
        set port p1 mac='""'
        set port p1 mac=true
        get port p1 mac
        set port p1 mac='"a b"'
        set port p1 'mac=a b'
        set port p1 'mac="a b" "c"'
        set port p1 'mac="a\"b\\c\n\u0041"'
        get port p1 mac
        set port p1 'mac="\x"'
        set port p1 'mac="\u12"'
        set port p1 'mac="a"b'
        set port p1 'mac="abc'
        set port p1 'mac=abc\'
        set port p1 mac=a\b
        get port p1 mac
        set port p1 'mac=ü'
        get port p1 mac
        set interface p1 mtu_request=0
        set interface p1 ofport_request=65280
        set interface p1 ofport_request=7
        set interface p1 ingress_policing_rate=-5
        set bridge br0 protocols=OpenFlow10,OpenFlow13
        set bridge br0 protocols=OpenFlow19
        get bridge br0 protocols
        set bridge br0 datapath_type=""
        set bridge br0 datapath_type=netdev
        set bridge br0 flood_vlans=5,6 fail_mode=secure stp_enable=true
        list bridge br0
        list interface p1
        list port p1
        list Open_vSwitch
    """,
    "maps": r"""
        add-br br0
        set bridge br0 other_config:a=1
        set bridge br0 other_config:a=2 other_config:b=3
        get bridge br0 other_config
        get bridge br0 other_config:a
        get bridge br0 other_config:c
        set bridge br0 other_config=x=1,y=2
        set bridge br0 'other_config={x=1, "a b"="c,d"}'
        get bridge br0 other_config
        set bridge br0 other_config={x=1
        set bridge br0 other_config=x
        set bridge br0 other_config=x:1
        set bridge br0 other_config=x=1,x=2
        set bridge br0 other_config=
        set bridge br0 'other_config= '
        set bridge br0 other_config=[]
        set bridge br0 other_config={}
        set bridge br0 other_config:k
        set bridge br0 other_config:k=
        set bridge br0 other_config:k=a=b
        set bridge br0 'other_config:"k 2"="v"'
        set bridge br0 other_config:k:l=b
        get bridge br0 other_config
        set bridge br0 fail_mode:x=y
        set bridge br0 flow_tables:0=@t -- --id=@t create flow_table name=zero flow_limit=5
        set bridge br0 flow_tables:255=@t -- --id=@t create flow_table name=zero
        get flow_table zero flow_limit
        list flow_table
        set bridge br0 flow_tables={}
        list flow_table
        add bridge br0 other_config q=1 r=2
        add bridge br0 other_config q=7
        add bridge br0 other_config q=3 q=4
        add bridge br0 other_config q=8 -- add-port br0 zz
        get bridge br0 other_config
        add bridge br0 other_config q
        add bridge br0 other_config {}
        remove bridge br0 other_config q=9
        remove bridge br0 other_config q=7
        remove bridge br0 other_config r k nix
        get bridge br0 other_config
        remove bridge br0 other_config a=b=c
        clear bridge br0 other_config
        get bridge br0 other_config
        br-set-external-id br0 one 1
        br-set-external-id br0 two "a b"
        br-get-external-id br0
        br-get-external-id br0 two
        br-get-external-id br0 nix
        br-set-external-id br0 one
        br-get-external-id br0
        get bridge br0 external_ids
    """,
    "add and remove": r"""
        add-br br0 -- add-port br0 p1
        add port p1 trunks 5
        add port p1 trunks 6 7,8
        add port p1 trunks 5
        add port p1 trunks []
        add port p1 trunks 5000
        add port p1 trunks
        add port p1 tag 5
        add port p1 tag 6 -- list-br
        add port p1 tag 6
        add port p1 tag 5
        add port p1 protected true
        add port p1 bond_updelay 7 8
        add port p1 tag 7 8
        -- --id=00000000-0000-0000-0000-000000000007 create qos type=x
        -- --id=00000000-0000-0000-0000-000000000007 create qos type=x
        add port p1 name x
        add port p9 trunks 5
        --if-exists add port p9 trunks 5
        get port p1 trunks tag
        remove port p1 trunks 6,7
        remove port p1 trunks 6
        remove port p1 trunks x
        get port p1 trunks
        remove port p1 tag 6
        remove port p1 tag 5
        remove port p1 protected false
        clear port p1 trunks tag
        clear port p1 protected
        clear port p1 interfaces
        clear port p1 name
        clear port p1 foo
        --if-exists clear port p9 tag
        list port p1
    """,
    "rows": r"""
        add-br br0 -- add-port br0 p1 -- add-port br0 p2
        -- --id=@m create mirror name=m0 select_all=true output-port=@p -- --id=@p get port p1
        -- --id=@p get port p1 -- --id=@m create mirror name=m0 select_all=yes output-port=@p -- set br br0 mirrors=@m
        list mirror
        get mirror m0 select_all
        -- --id=@p get port p1 -- --id=@m create mirror name=m1 output-port=@p -- add bridge br0 mirrors @m
        del-port p1
        list mirror
        remove bridge br0 mirrors m0
        destroy mirror m0
        create mirror name=x
        -- --id=@m create mirror name=x
        -- --id=@m create mirror name=x -- --id=@m create mirror name=y
        -- --id=m create mirror name=x
        -- --id=@q create qos type=linux-htb -- set port p2 qos=@q
        list qos
        set port p2 qos=@q
        --id=@q get qos p2
        get qos p2 type
        create qos type=x queues:0=@a -- --id=@a create queue dscp=5
        create qos type=x queues:0=@a -- --id=@a create queue dscp=64
        create qos type=x foo=y
        create foo
        create bridge name=br0
        create bridge name=br7 -- set open . bridges=@b
        -- --id=@b create bridge name=br7 -- add open . bridges @b
        -- --id=@b create bridge name=br0 -- add open . bridges @b
        -- --id=@b create bridge -- add open . bridges @b
        -- --id=@i create interface name=i8 -- --id=@p create port name=p8 interfaces=@i -- add bridge br7 ports @p
        -- --id=@p create port name=p9 -- add bridge br7 ports @p
        create Open_vSwitch
        create ssl private_key=a
        destroy queue nix
        --if-exists destroy queue nix
        destroy queue
        --all destroy queue x
        --all destroy qos
        -- --all --if-exists destroy queue
        --all destroy queue
        destroy bridge br7
        remove open . bridges br7
        destroy port p2
        destroy open .
        -- --id=@x --if-exists get port p2
        show
        find qos type=x
    """,
    "rows that are still referred to": r"""
        add-br br0 -- add-port br0 p1 -- --id=@m create mirror name=m0 -- set bridge br0 mirrors=@m
        destroy mirror m0
        destroy mirror m0 -- list mirror
        destroy bridge br0
        destroy interface p1
        destroy port p1 -- destroy interface p1 -- --bare --columns=name list port
        del-port p1 -- add-port br0 p1 -- set port p1 tag=5
        get port p1 tag
        del-br br0 -- add-br br0
        show
        create qos type=x queues:0=@a -- --id=@a create queue dscp=5
        --all destroy queue
        --all destroy queue -- --all destroy qos
        list queue
    """,
    "find": r"""
        add-br br0 -- add-port br0 p1 tag=5 -- add-port br0 p2 trunks=5,6 -- add-port br0 p3 tag=7 other_config:a=b
        --bare --columns=name find port tag=5
        --bare --columns=name find port tag!=5
        --bare --columns=name find port tag<6
        --bare --columns=name find port tag>=5
        --bare --columns=name find port tag=[]
        --bare --columns=name find port trunks=5
        --bare --columns=name find port trunks{>=}5
        --bare --columns=name find port trunks{<=}5,6,7
        --bare --columns=name find port trunks{in}5
        --bare --columns=name find port trunks{not-in}5
        --bare --columns=name find port trunks{<}5,6,7
        --bare --columns=name find port trunks{>}5
        --bare --columns=name find port trunks{=}5,6
        --bare --columns=name find port trunks{!=}5,6
        --bare --columns=name find port other_config:a=b
        --bare --columns=name find port other_config:a!=b
        --bare --columns=name find port other_config:a{!=}b
        --bare --columns=name find port other_config:a=[]
        --bare --columns=name find port other_config:a{=}[]
        --bare --columns=name find port other_config:a{in}b,c
        --bare --columns=name find port other_config{>=}a=b
        --bare --columns=name find port name=p1 tag=5
        --bare --columns=name find port name=p1 tag=6
        find port tag
        find port tag=
        find port tag~5
        find port tag:x=5
        find port tag=x
        find port tag=4096
        find port name=
        find port 'name=""'
        --bare --columns=name find port 'name>p1'
        --bare --columns=name find interface type=internal
        --columns=name,tag --format=table find port tag=5
        --columns=name,tag --format=csv find port tag=5
        --columns=name,trunks --format=json find port name=p2
        --columns=name,trunks,other_config,tag --format=json --pretty find port name=p3
        --columns=_uuid,name --format=html find port name=p2
        --columns=name,trunks --format=csv find port name=p2
        --columns=name,trunks --no-headings --format=csv find port name=p2
        --columns=name,trunks --data=bare --format=table find port name=p2
        --columns=name,trunks,interfaces --data=json find port name=p2
        --columns=name,other_config -f table -d json --no-headings find port name=p3
        --columns=name,trunks --max-column-width=3 -f table find port name=p2
        --columns=, list port
        --columns=foo list port
        '--columns=name tag,_uuid' list port p1
        --columns=name list port p1 -- --columns=tag list port p1
        --columns=name -f csv list port p1 -- --columns=tag list port p1
        --columns=name -f json list port p1 -- --columns=tag list port p1
        --columns=name -f html list port p1 -- --columns=tag list port p1
        wait-until port p1 tag=5
        wait-until port p1 tag
        comment some words
        comment
    """,
    "managing": r"""
        add-br br0
        get-controller br0
        set-controller br0 tcp:1.2.3.4 ptcp:
        get-controller br0
        get controller br0 target
        set-controller br0 foo
        set-controller br0 tcp:1.2.3.4:6653
        get controller br0 target
        --inactivity-probe=5000 set-controller br0 tcp:9.9.9.9
        get controller br0 inactivity_probe
        set-controller br9 tcp:1.2.3.4
        show
        del-controller br0
        del-controller br0
        get-fail-mode br0
        set-fail-mode br0 secure
        get-fail-mode br0
        set-fail-mode br0 foo
        set-fail-mode br9 secure
        del-fail-mode br0
        get-fail-mode br0
        get-manager
        set-manager ptcp:6640 ssl:1.2.3.4:6640
        set-manager ptcp:6640 ptcp:6640
        get-manager
        set-manager foo:bar
        --inactivity-probe=abc set-manager ptcp:1
        show
        del-manager
        get-manager
        get-ssl
        set-ssl key cert ca
        --bootstrap set-ssl key2 cert2 ca2
        get-ssl
        del-ssl
        get-ssl
        set-ssl a b
        add-aa-mapping br0 100 5
        add-aa-mapping br0 101 6
        add-aa-mapping br0 102 5
        get-aa-mapping br0
        add-aa-mapping br0 x 5
        add-aa-mapping br0 100 5000
        add-aa-mapping br0 103 5000
        del-aa-mapping br0 100 5
        get-aa-mapping br0
        set bridge br0 other_config:hwaddr=00:11:22:33:44:55 other_config:x=y fail_mode=secure
        set-controller br0 tcp:1.2.3.4
        -- --id=@m create mirror name=m -- set bridge br0 mirrors=@m
        emer-reset
        list bridge br0
        init
    """,
}
