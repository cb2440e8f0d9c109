/* A child that forks and ends, and so does its child, for ever: no list of processes is ever right. */
#include "victim.h"
#include <sys/socket.h>
#include <sys/un.h>

static void prepare(void) {}

static void handle(const char *secret)
{
    (void)secret;
    static int storms;
    int found = storms++;
    /* Each lives some microseconds only, and a thousand generations are far more than one restore takes. Without
     * isolation it ends by itself. */
    if (fork() == 0) {
        close(REQUEST_FD);
        close(ANSWER_FD);
        for (int generation = 0; generation < 1000; generation++) {
            pid_t next = fork();
            if (next != 0)
                _exit(0);
        }
        _exit(0);
    }
    answer("{\"storms\":%d}", found);
}
