"""The link types that captures name (tcpdump.org/linktypes.html): for messages, and how large their records may be."""

from __future__ import annotations

LINK_TYPES = {
    0: "NULL", 1: "ETHERNET", 3: "AX25", 6: "IEEE802_5", 7: "ARCNET_BSD", 8: "SLIP", 9: "PPP", 10: "FDDI",
    12: "RAW", 14: "RAW", 50: "PPP_HDLC", 51: "PPP_ETHER", 99: "SYMANTEC_FIREWALL", 100: "ATM_RFC1483", 101: "RAW",
    104: "C_HDLC", 105: "IEEE802_11", 107: "FRELAY", 108: "LOOP", 109: "ENC", 113: "LINUX_SLL", 114: "LTALK",
    117: "PFLOG", 119: "IEEE802_11_PRISM", 122: "IP_OVER_FC", 123: "SUNATM", 127: "IEEE802_11_RADIOTAP",
    129: "ARCNET_LINUX", 138: "APPLE_IP_OVER_IEEE1394", 139: "MTP2_WITH_PHDR", 140: "MTP2", 141: "MTP3", 142: "SCCP",
    143: "DOCSIS", 144: "LINUX_IRDA", 147: "USER0", 148: "USER1", 149: "USER2", 150: "USER3", 163: "IEEE802_11_AVS",
    164: "JUNIPER_MONITOR", 165: "BACNET_MS_TP", 166: "PPP_PPPD", 169: "GPRS_LLC", 170: "GPF_T", 171: "GPF_F",
    177: "LINUX_LAPD", 178: "JUNIPER_ETHER", 182: "JUNIPER_MFR", 187: "BLUETOOTH_HCI_H4", 189: "USB_LINUX", 192: "PPI",
    195: "IEEE802_15_4_WITHFCS", 196: "SITA", 197: "ERF", 201: "BLUETOOTH_HCI_H4_WITH_PHDR", 202: "AX25_KISS",
    204: "PPP_WITH_DIR", 205: "C_HDLC_WITH_DIR", 206: "FRELAY_WITH_DIR", 209: "IPMB_LINUX",
    215: "IEEE802_15_4_NONASK_PHY", 220: "USB_LINUX_MMAPPED", 224: "FC_2", 225: "FC_2_WITH_FRAME_DELIMS", 226: "IPNET",
    227: "CAN_SOCKETCAN", 228: "IPV4", 229: "IPV6",
    230: "IEEE802_15_4_NOFCS", 231: "DBUS", 235: "DVB_CI", 236: "MUX27010", 237: "STANAG_5066_D_PDU",
    239: "NFLOG", 240: "NETANALYZER", 241: "NETANALYZER_TRANSPARENT", 242: "IPOIB", 243: "MPEG_2_TS", 244: "NG40",
    245: "NFC_LLCP", 247: "INFINIBAND", 248: "SCTP", 249: "USBPCAP", 250: "RTAC_SERIAL", 251: "BLUETOOTH_LE_LL",
    253: "NETLINK", 254: "BLUETOOTH_LINUX_MONITOR", 258: "PKTAP", 259: "EPON", 264: "IPMI_HPM_2", 265: "ZWAVE_R1_R2",
    266: "ZWAVE_R3", 268: "ISO_14443", 270: "RDS", 271: "USB_DARWIN", 272: "SDLC", 274: "LORATAP", 275: "VSOCK",
    276: "LINUX_SLL2", 279: "EBHSCR", 280: "VPP_DISPATCH", 281: "DSA_TAG_BRCM", 282: "DSA_TAG_BRCM_PREPEND",
    283: "IEEE802_15_4_TAP", 284: "DSA_TAG_DSA", 285: "DSA_TAG_EDSA", 288: "ELEE", 292: "Z_WAVE_SERIAL", 293: "USB_2_0",
    294: "ATSC_ALP", 295: "ETW", 298: "SILABS_DEBUG_CHANNEL", 299: "MDB",
}

MAX_CAPLEN = 262_144  # bytes; what tcpdump and Wireshark take for garbage beyond it
MAX_CAPLENS = {231: 128 << 20, 249: 128 << 20, 279: 8 << 20}  # D-Bus, USBPcap and EBHSCR have larger packets


def link_type_name(link_type: int) -> str:
    """``"LINUX_SLL"`` for 113; ``"unassigned"`` where we know no name.

    >>> link_type_name(113)
    'LINUX_SLL'
    """
    return LINK_TYPES.get(link_type, "unassigned")


def max_caplen(link_type: int) -> int:
    """Bytes above which a record of this link type is garbage."""
    return MAX_CAPLENS.get(link_type, MAX_CAPLEN)
