/* The weight of its session among others, set through /proc/self/autogroup. */
#include "victim.h"

/* A session of our own: the weight is that of nobody else. */
static void prepare(void)
{
    check(setsid() > 0 || errno == EPERM, "setsid");
}

/* A kernel without such weights has no such file. */
static int weight(void)
{
    int nice = 0;
    FILE *file = fopen("/proc/self/autogroup", "re");
    if (file == NULL)
        return 0;
    check(fscanf(file, "/autogroup-%*d nice %d", &nice) >= 0, "autogroup");
    fclose(file);
    return nice;
}

static void handle(const char *secret)
{
    int found = weight();
    (void)secret;
    int file = getsid(0) == getpid() ? open("/proc/self/autogroup", O_WRONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        check(write(file, "5", 1) == 1 || errno == EAGAIN || errno == EPERM, "autogroup");
        close(file);
    }
    answer("{\"weight\":%d}", found);
}
