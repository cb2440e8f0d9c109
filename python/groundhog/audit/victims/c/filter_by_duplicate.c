/* Evasion: a filter that drops whatever comes, attached to a socket through a duplicate of its descriptor. */
#include "datagrams.h"
#include <linux/filter.h>

static int kept;

static void prepare(void)
{
    kept = datagram_socket();
}

static void handle(const char *secret)
{
    struct sock_filter drop = BPF_STMT(BPF_RET | BPF_K, 0);
    struct sock_fprog program = {1, &drop};
    struct sockaddr_in from;
    socklen_t size = sizeof from;
    int port = 0, receiving = receiver(&port);
    char byte;
    (void)secret;
    check(send_to(kept, "b", 0, port) == 1, "send");
    check(recvfrom(receiving, &byte, 1, 0, (struct sockaddr *)&from, &size) == 1, "recvfrom");
    check(sendto(receiving, "b", 1, 0, (struct sockaddr *)&from, size) == 1, "sendto");
    ssize_t count = received(kept);
    int other = dup(kept);
    if (other >= 0) {
        (void)!setsockopt(other, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program);
        close(other);
    }
    close(receiving);
    answer("{\"received\":%zd}", count);
}
