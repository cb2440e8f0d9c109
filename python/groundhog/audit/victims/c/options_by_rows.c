/* Every socket option of the policy on sockets of every family, by the process and by a child. */
#define PLACES BY_PROCESS, BY_CHILD
#include "rows.h"
#include <arpa/inet.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { SOCKETS = 13, GROUPS = 9 /* NETLINK_LIST_MEMBERSHIPS */ };

static const struct option {
    const char *name;
    int level, number;
} options[] = {
    {"IPPROTO_IP IP_TOS", IPPROTO_IP, 1},
    {"IPPROTO_IP IP_TTL", IPPROTO_IP, 2},
    {"IPPROTO_IP IP_OPTIONS", IPPROTO_IP, 4},
    {"IPPROTO_IP IP_RECVOPTS", IPPROTO_IP, 6},
    {"IPPROTO_IP IP_RETOPTS", IPPROTO_IP, 7},
    {"IPPROTO_IP IP_PKTINFO", IPPROTO_IP, 8},
    {"IPPROTO_IP IP_MTU_DISCOVER", IPPROTO_IP, 10},
    {"IPPROTO_IP IP_RECVERR", IPPROTO_IP, 11},
    {"IPPROTO_IP IP_RECVTTL", IPPROTO_IP, 12},
    {"IPPROTO_IP IP_RECVTOS", IPPROTO_IP, 13},
    {"IPPROTO_IP IP_FREEBIND", IPPROTO_IP, 15},
    {"IPPROTO_IP IP_RECVORIGDSTADDR", IPPROTO_IP, 20},
    {"IPPROTO_IP IP_MINTTL", IPPROTO_IP, 21},
    {"IPPROTO_IP IP_BIND_ADDRESS_NO_PORT", IPPROTO_IP, 24},
    {"IPPROTO_IP IP_MULTICAST_IF", IPPROTO_IP, 32},
    {"IPPROTO_IP IP_MULTICAST_TTL", IPPROTO_IP, 33},
    {"IPPROTO_IP IP_MULTICAST_LOOP", IPPROTO_IP, 34},
    {"IPPROTO_IP IP_ADD_MEMBERSHIP", IPPROTO_IP, 35},
    {"IPPROTO_IP IP_DROP_MEMBERSHIP", IPPROTO_IP, 36},
    {"IPPROTO_IP IP_ADD_SOURCE_MEMBERSHIP", IPPROTO_IP, 39},
    {"IPPROTO_IP IP_DROP_SOURCE_MEMBERSHIP", IPPROTO_IP, 40},
    {"IPPROTO_IP MCAST_JOIN_GROUP", IPPROTO_IP, 42},
    {"IPPROTO_IP MCAST_LEAVE_GROUP", IPPROTO_IP, 45},
    {"IPPROTO_IP IP_MULTICAST_ALL", IPPROTO_IP, 49},
    {"IPPROTO_IP IP_UNICAST_IF", IPPROTO_IP, 50},
    {"IPPROTO_IP IP_LOCAL_PORT_RANGE", IPPROTO_IP, 51},
    {"SOL_SOCKET SO_DEBUG", SOL_SOCKET, 1},
    {"SOL_SOCKET SO_REUSEADDR", SOL_SOCKET, 2},
    {"SOL_SOCKET SO_DONTROUTE", SOL_SOCKET, 5},
    {"SOL_SOCKET SO_BROADCAST", SOL_SOCKET, 6},
    {"SOL_SOCKET SO_SNDBUF", SOL_SOCKET, 7},
    {"SOL_SOCKET SO_RCVBUF", SOL_SOCKET, 8},
    {"SOL_SOCKET SO_KEEPALIVE", SOL_SOCKET, 9},
    {"SOL_SOCKET SO_OOBINLINE", SOL_SOCKET, 10},
    {"SOL_SOCKET SO_PRIORITY", SOL_SOCKET, 12},
    {"SOL_SOCKET SO_LINGER", SOL_SOCKET, 13},
    {"SOL_SOCKET SO_REUSEPORT", SOL_SOCKET, 15},
    {"SOL_SOCKET SO_PASSCRED", SOL_SOCKET, 16},
    {"SOL_SOCKET SO_RCVLOWAT", SOL_SOCKET, 18},
    {"SOL_SOCKET SO_SNDLOWAT", SOL_SOCKET, 19},
    {"SOL_SOCKET SO_RCVTIMEO", SOL_SOCKET, 20},
    {"SOL_SOCKET SO_SNDTIMEO", SOL_SOCKET, 21},
    {"SOL_SOCKET SO_BINDTODEVICE", SOL_SOCKET, 25},
    {"SOL_SOCKET SO_ATTACH_FILTER", SOL_SOCKET, 26},
    {"SOL_SOCKET SO_DETACH_FILTER", SOL_SOCKET, 27},
    {"SOL_SOCKET SO_TIMESTAMP", SOL_SOCKET, 29},
    {"SOL_SOCKET SO_SNDBUFFORCE", SOL_SOCKET, 32},
    {"SOL_SOCKET SO_RCVBUFFORCE", SOL_SOCKET, 33},
    {"SOL_SOCKET SO_PASSSEC", SOL_SOCKET, 34},
    {"SOL_SOCKET SO_TIMESTAMPNS", SOL_SOCKET, 35},
    {"SOL_SOCKET SO_MARK", SOL_SOCKET, 36},
    {"SOL_SOCKET SO_TIMESTAMPING", SOL_SOCKET, 37},
    {"SOL_SOCKET SO_RXQ_OVFL", SOL_SOCKET, 40},
    {"SOL_SOCKET SO_WIFI_STATUS", SOL_SOCKET, 41},
    {"SOL_SOCKET SO_PEEK_OFF", SOL_SOCKET, 42},
    {"SOL_SOCKET SO_LOCK_FILTER", SOL_SOCKET, 44},
    {"SOL_SOCKET SO_BUSY_POLL", SOL_SOCKET, 46},
    {"SOL_SOCKET SO_MAX_PACING_RATE", SOL_SOCKET, 47},
    {"SOL_SOCKET SO_INCOMING_CPU", SOL_SOCKET, 49},
    {"SOL_SOCKET SO_ZEROCOPY", SOL_SOCKET, 60},
    {"SOL_SOCKET SO_TIMESTAMP_NEW", SOL_SOCKET, 63},
    {"SOL_SOCKET SO_TIMESTAMPNS_NEW", SOL_SOCKET, 64},
    {"SOL_SOCKET SO_TIMESTAMPING_NEW", SOL_SOCKET, 65},
    {"SOL_SOCKET SO_RCVTIMEO_NEW", SOL_SOCKET, 66},
    {"SOL_SOCKET SO_SNDTIMEO_NEW", SOL_SOCKET, 67},
    {"SOL_SOCKET SO_PREFER_BUSY_POLL", SOL_SOCKET, 69},
    {"SOL_SOCKET SO_BUSY_POLL_BUDGET", SOL_SOCKET, 70},
    {"SOL_SOCKET SO_BUF_LOCK", SOL_SOCKET, 72},
    {"SOL_SOCKET SO_TXREHASH", SOL_SOCKET, 74},
    {"SOL_SOCKET SO_RCVMARK", SOL_SOCKET, 75},
    {"SOL_SOCKET SO_PASSPIDFD", SOL_SOCKET, 76},
    {"SOL_SOCKET SO_RCVPRIORITY", SOL_SOCKET, 82},
    {"SOL_SOCKET SO_PASSRIGHTS", SOL_SOCKET, 83},
    {"IPPROTO_TCP TCP_NODELAY", IPPROTO_TCP, 1},
    {"IPPROTO_TCP TCP_MAXSEG", IPPROTO_TCP, 2},
    {"IPPROTO_TCP TCP_CORK", IPPROTO_TCP, 3},
    {"IPPROTO_TCP TCP_KEEPIDLE", IPPROTO_TCP, 4},
    {"IPPROTO_TCP TCP_KEEPINTVL", IPPROTO_TCP, 5},
    {"IPPROTO_TCP TCP_KEEPCNT", IPPROTO_TCP, 6},
    {"IPPROTO_TCP TCP_SYNCNT", IPPROTO_TCP, 7},
    {"IPPROTO_TCP TCP_LINGER2", IPPROTO_TCP, 8},
    {"IPPROTO_TCP TCP_DEFER_ACCEPT", IPPROTO_TCP, 9},
    {"IPPROTO_TCP TCP_WINDOW_CLAMP", IPPROTO_TCP, 10},
    {"IPPROTO_TCP TCP_QUICKACK", IPPROTO_TCP, 12},
    {"IPPROTO_TCP TCP_CONGESTION", IPPROTO_TCP, 13},
    {"IPPROTO_TCP TCP_THIN_LINEAR_TIMEOUTS", IPPROTO_TCP, 16},
    {"IPPROTO_TCP TCP_THIN_DUPACK", IPPROTO_TCP, 17},
    {"IPPROTO_TCP TCP_USER_TIMEOUT", IPPROTO_TCP, 18},
    {"IPPROTO_TCP TCP_FASTOPEN", IPPROTO_TCP, 23},
    {"IPPROTO_TCP TCP_TIMESTAMP", IPPROTO_TCP, 24},
    {"IPPROTO_TCP TCP_NOTSENT_LOWAT", IPPROTO_TCP, 25},
    {"IPPROTO_TCP TCP_SAVE_SYN", IPPROTO_TCP, 27},
    {"IPPROTO_TCP TCP_FASTOPEN_CONNECT", IPPROTO_TCP, 30},
    {"IPPROTO_TCP TCP_FASTOPEN_NO_COOKIE", IPPROTO_TCP, 34},
    {"IPPROTO_TCP TCP_INQ", IPPROTO_TCP, 36},
    {"IPPROTO_TCP TCP_TX_DELAY", IPPROTO_TCP, 37},
    {"IPPROTO_TCP TCP_RTO_MAX_MS", IPPROTO_TCP, 44},
    {"IPPROTO_TCP TCP_RTO_MIN_US", IPPROTO_TCP, 45},
    {"IPPROTO_TCP TCP_DELACK_MAX_US", IPPROTO_TCP, 46},
    {"IPPROTO_UDP UDP_CORK", IPPROTO_UDP, 1},
    {"IPPROTO_UDP UDP_SEGMENT", IPPROTO_UDP, 103},
    {"IPPROTO_UDP UDP_GRO", IPPROTO_UDP, 104},
    {"IPPROTO_IPV6 IPV6_UNICAST_HOPS", IPPROTO_IPV6, 16},
    {"IPPROTO_IPV6 IPV6_MULTICAST_IF", IPPROTO_IPV6, 17},
    {"IPPROTO_IPV6 IPV6_MULTICAST_HOPS", IPPROTO_IPV6, 18},
    {"IPPROTO_IPV6 IPV6_MULTICAST_LOOP", IPPROTO_IPV6, 19},
    {"IPPROTO_IPV6 IPV6_JOIN_GROUP", IPPROTO_IPV6, 20},
    {"IPPROTO_IPV6 IPV6_LEAVE_GROUP", IPPROTO_IPV6, 21},
    {"IPPROTO_IPV6 IPV6_MTU_DISCOVER", IPPROTO_IPV6, 23},
    {"IPPROTO_IPV6 IPV6_MTU", IPPROTO_IPV6, 24},
    {"IPPROTO_IPV6 IPV6_RECVERR", IPPROTO_IPV6, 25},
    {"IPPROTO_IPV6 IPV6_V6ONLY", IPPROTO_IPV6, 26},
    {"IPPROTO_IPV6 MCAST_JOIN_GROUP", IPPROTO_IPV6, 42},
    {"IPPROTO_IPV6 MCAST_LEAVE_GROUP", IPPROTO_IPV6, 45},
    {"IPPROTO_IPV6 IPV6_RECVPKTINFO", IPPROTO_IPV6, 49},
    {"IPPROTO_IPV6 IPV6_RECVHOPLIMIT", IPPROTO_IPV6, 51},
    {"IPPROTO_IPV6 IPV6_DONTFRAG", IPPROTO_IPV6, 62},
    {"IPPROTO_IPV6 IPV6_RECVTCLASS", IPPROTO_IPV6, 66},
    {"IPPROTO_IPV6 IPV6_TCLASS", IPPROTO_IPV6, 67},
    {"IPPROTO_IPV6 IPV6_AUTOFLOWLABEL", IPPROTO_IPV6, 70},
    {"IPPROTO_IPV6 IPV6_ADDR_PREFERENCES", IPPROTO_IPV6, 72},
    {"IPPROTO_IPV6 IPV6_UNICAST_IF", IPPROTO_IPV6, 76},
    {"IPPROTO_ICMPV6 ICMPV6_FILTER", IPPROTO_ICMPV6, 1},
    {"SOL_NETLINK NETLINK_ADD_MEMBERSHIP", SOL_NETLINK, 1},
    {"SOL_NETLINK NETLINK_DROP_MEMBERSHIP", SOL_NETLINK, 2},
    {"SOL_NETLINK NETLINK_PKTINFO", SOL_NETLINK, 3},
    {"SOL_NETLINK NETLINK_BROADCAST_ERROR", SOL_NETLINK, 4},
    {"SOL_NETLINK NETLINK_NO_ENOBUFS", SOL_NETLINK, 5},
    {"SOL_NETLINK NETLINK_CAP_ACK", SOL_NETLINK, 10},
    {"SOL_NETLINK NETLINK_EXT_ACK", SOL_NETLINK, 11},
    {"SOL_NETLINK NETLINK_GET_STRICT_CHK", SOL_NETLINK, 12},
};
enum { COUNT = sizeof options / sizeof options[0] };

static int sockets[SOCKETS], opened;
static struct sock_filter accept_all = BPF_STMT(BPF_RET | BPF_K, 0xffff);
static const struct sock_fprog filter = {.len = 1, .filter = &accept_all};
static const struct ip_mreqn member = {.imr_multiaddr = {0x050505ef}, .imr_ifindex = 1};
static const struct ip_mreq_source member_source = {{0x050505ef}, {0x0100007f}, {0x0100007f}};
static const struct ipv6_mreq member_six = {.ipv6mr_multiaddr = {{{0xff, 1, [15] = 77}}}, .ipv6mr_interface = 1};
static struct group_req group, group_six;

static void open_socket(int family, int type, int protocol)
{
    int made = socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, protocol);
    /* Not every kernel has all of them. */
    if (made >= 0)
        sockets[opened++] = made;
}

static void set_up(void)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr = {0x050505ef}};
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = {{{0xff, 1, [15] = 77}}}};
    group.gr_interface = group_six.gr_interface = 1;
    memcpy(&group.gr_group, &four, sizeof four);
    memcpy(&group_six.gr_group, &six, sizeof six);
    open_socket(AF_INET, SOCK_STREAM, 0);
    open_socket(AF_INET6, SOCK_STREAM, 0);
    open_socket(AF_INET, SOCK_STREAM, 262 /* IPPROTO_MPTCP */);
    open_socket(AF_UNIX, SOCK_STREAM, 0);
    open_socket(AF_UNIX, SOCK_DGRAM, 0);
    open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    open_socket(AF_INET6, SOCK_DGRAM, IPPROTO_ICMPV6);
    open_socket(AF_INET, SOCK_DGRAM, 0);
    open_socket(AF_INET6, SOCK_DGRAM, 0);
    /* These have what others can lose. */
    int one = 1, first = opened;
    open_socket(AF_INET, SOCK_DGRAM, 0);
    open_socket(AF_INET6, SOCK_DGRAM, 0);
    open_socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);
    for (int at = first; at < opened; at++) {
        setsockopt(sockets[at], SOL_SOCKET, SO_ATTACH_FILTER, &filter, sizeof filter);
        setsockopt(sockets[at], IPPROTO_IP, IP_ADD_MEMBERSHIP, &member, sizeof member);
        setsockopt(sockets[at], IPPROTO_IPV6, IPV6_JOIN_GROUP, &member_six, sizeof member_six);
        setsockopt(sockets[at], SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &one, sizeof one);
    }
}

/* What an option is, and how long; negative where the socket has no such option. */
static int option_of(int socket, int level, int name, unsigned char value[64])
{
    socklen_t length = 64;
    memset(value, 0, 64);
    return getsockopt(socket, level, name, value, &length) == 0 ? (int)length : -1;
}

static void look(void)
{
    unsigned char value[64];
    for (int at = 0; at < opened; at++) {
        for (int option = 0; option < COUNT; option++) {
            /* This one goes on like a clock. */
            if (options[option].level == IPPROTO_TCP && options[option].number == TCP_TIMESTAMP)
                continue;
            int length = option_of(sockets[at], options[option].level, options[option].number, value);
            say("socket %d %s %d ", at, options[option].name, length);
            /* A filter of one instruction takes eight bytes, and answers their number. */
            say_bytes(value, length < 0 ? 0 : length > 63 ? 64 : (size_t)length);
            say("\n");
        }
        struct ip_msfilter members = {.imsf_multiaddr = member.imr_multiaddr, .imsf_interface = {0x0100007f}};
        struct group_filter members_six = {.gf_interface = 1, .gf_group = group_six.gr_group};
        socklen_t length = sizeof members, length_six = sizeof members_six;
        bool is_member = getsockopt(sockets[at], IPPROTO_IP, IP_MSFILTER, &members, &length) == 0;
        bool is_member_six = getsockopt(sockets[at], IPPROTO_IPV6, MCAST_MSFILTER, &members_six, &length_six) == 0;
        int listed = option_of(sockets[at], SOL_NETLINK, GROUPS, value);
        say("socket %d member %d, of six %d, of netlink %d ", at, is_member, is_member_six, listed);
        say_bytes(value, 8);
        say("\n");
    }
}

/* Sets an option to one of many values: to the first that changes it, since each has a shape of its own. */
static void change(int socket, const struct option *option)
{
    unsigned char old[64], new[64];
    int length = option_of(socket, option->level, option->number, old), current;
    memcpy(&current, old, sizeof current);
    const int numbers[] = {!current, 1, 2, 16, 1000, current + 1, current * 2, (40000 << 16) | 30000, 1 << 24, 0};
    const struct timeval time = {.tv_sec = 5};
    const struct linger linger = {1, 5};
    const struct {
        const void *value;
        size_t length;
    } shapes[] = {
        {&filter, sizeof filter}, {&time, sizeof time},         {&linger, sizeof linger},
        {"reno", 4},              {"lo", 3},                    {&member, sizeof member},
        {&group, sizeof group},   {&group_six, sizeof group},   {&member_six, sizeof member_six},
        {"\1\1\1", 4},            {&member_source, sizeof member_source},
    };
    for (size_t at = 0; at < sizeof numbers / sizeof numbers[0] + sizeof shapes / sizeof shapes[0]; at++) {
        size_t shape = at - sizeof numbers / sizeof numbers[0];
        if (at < sizeof numbers / sizeof numbers[0])
            setsockopt(socket, option->level, option->number, &numbers[at], sizeof numbers[at]);
        else
            setsockopt(socket, option->level, option->number, shapes[shape].value, (socklen_t)shapes[shape].length);
        if (option_of(socket, option->level, option->number, new) != length || memcmp(old, new, sizeof old) != 0)
            return;
    }
}

static void rows(void)
{
    for (int option = 0; option < COUNT; option++)
        if (row(options[option].name))
            for (int at = 0; at < opened; at++)
                change(sockets[at], &options[option]);
}
