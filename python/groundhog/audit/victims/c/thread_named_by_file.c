/* Evasion: the name of a thread that is not the first, written to its file under /proc by the first one. */
#define PREPARES_ITSELF
#include "of_thread.h"

static pid_t thread;

static void describe(char *text, size_t size)
{
    char name[16] = "";
    check(prctl(PR_GET_NAME, name) == 0, "prctl");
    snprintf(text, size, "secret %d", name[0] == 'Q');
    thread = thread_id();
}

static void change(const char *secret)
{
    char path[64];
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
    int file = open(path, O_WRONLY | O_CLOEXEC);
    check(file >= 0, path);
    write_all(file, secret, strlen(secret));
    close(file);
}

static void prepare(void)
{
    start_other();
}
