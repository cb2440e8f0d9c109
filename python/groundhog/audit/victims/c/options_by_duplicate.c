/* Evasion: options of a socket, of several levels, set through a duplicate of its descriptor. */
#include "datagrams.h"

static int kept;
static const struct {
    int level, name, base;
} options[] = {
    {SOL_SOCKET, SO_RCVLOWAT, 100}, {SOL_SOCKET, SO_SNDBUF, 10000}, {SOL_SOCKET, SO_BROADCAST, 1},
    {IPPROTO_IP, IP_TTL, 10},       {IPPROTO_IP, IP_PKTINFO, 1},    {IPPROTO_UDP, UDP_SEGMENT, 100},
};
enum { OPTIONS = sizeof options / sizeof options[0] };

static void prepare(void)
{
    kept = datagram_socket();
}

static void handle(const char *secret)
{
    char found[256] = "";
    for (size_t at = 0; at < OPTIONS; at++) {
        int value = 0;
        socklen_t length = sizeof value;
        check(getsockopt(kept, options[at].level, options[at].name, &value, &length) == 0, "getsockopt");
        snprintf(found + strlen(found), sizeof found - strlen(found), "%d ", value);
    }
    int other = dup(kept);
    for (size_t at = 0; other >= 0 && at < OPTIONS; at++) {
        int value = options[at].base + number_in(secret) % 100;
        (void)!setsockopt(other, options[at].level, options[at].name, &value, sizeof value);
    }
    close(other);
    answer("{\"options\":\"%s\"}", found);
}
