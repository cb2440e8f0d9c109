/* Asks for more at once than the kernel can tell in a moment, and for less. */
#include "case.h"
#include <linux/rtnetlink.h>
#include <sys/socket.h>

enum { PAGES = 1 << 20, MESSAGES = 1024, SENT = 128 };

static const size_t MUCH = (size_t)PAGES * PAGE;

static char *asked;
static unsigned char told[PAGES];
static void *places[PAGES];
static int nodes[PAGES];
static int pair[2];
static struct mmsghdr messages[MESSAGES + 1];

static void prepare(void)
{
    asked = mmap(NULL, MUCH, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    check(asked != MAP_FAILED && socketpair(AF_UNIX, SOCK_DGRAM, 0, pair) == 0, "mmap, socketpair");
}

static const char *outcome(long result)
{
    return result >= 0 ? "told" : errno == EINVAL ? "refused" : "failed";
}

/* What comes of so many questions to the kernel at once. */
static const char *questions(unsigned count)
{
    static struct {
        struct nlmsghdr header;
        struct ifinfomsg link;
    } question = {{sizeof question, RTM_GETLINK, NLM_F_REQUEST, 1, 0}, {.ifi_index = 1}};
    struct iovec whole = {&question, sizeof question};
    struct mmsghdr asks[2] = {{.msg_hdr = {.msg_iov = &whole, .msg_iovlen = 1}}, {.msg_hdr = {.msg_iov = &whole, .msg_iovlen = 1}}};
    int kernel = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
    check(kernel >= 0, "socket");
    const char *told = outcome(sendmmsg(kernel, asks, count, 0));
    close(kernel);
    return told;
}

static void handle(const char *secret)
{
    (void)secret;
    const char *much = outcome(mincore(asked, MUCH, told)), *less = outcome(mincore(asked, MUCH - PAGE, told));
    const char *many = outcome(syscall(SYS_move_pages, 0, PAGES, places, NULL, nodes, 0));
    for (int sent = 0; sent < 3; sent++)
        check(send(pair[0], "m", 1, 0) == 1, "send");
    const char *looks = outcome(recvmmsg(pair[1], messages, 2, MSG_PEEK | MSG_DONTWAIT, NULL));
    const char *look = outcome(recvmmsg(pair[1], messages, 1, MSG_PEEK | MSG_DONTWAIT, NULL));
    const char *takes = outcome(recvmmsg(pair[1], messages, MESSAGES + 1, MSG_DONTWAIT, NULL));
    const char *fewer = outcome(recvmmsg(pair[1], messages, MESSAGES, MSG_DONTWAIT, NULL));
    const char *sends = outcome(sendmmsg(pair[0], messages, SENT + 1, MSG_DONTWAIT));
    const char *send_fewer = outcome(sendmmsg(pair[0], messages, SENT, MSG_DONTWAIT));
    answer("memory %s %s, pages %s, looks %s %s, messages %s %s, sent %s %s, questions %s %s", much, less, many, looks, look, takes, fewer,
           sends, send_fewer, questions(2), questions(1));
}
