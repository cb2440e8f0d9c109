/* Evasion: the request pipe is opened anew for writing, through /proc/self/fd, and a forged request put into it. */
#include "victim.h"

static void prepare(void) {}

static void handle(const char *secret)
{
    static int requests;
    int found = requests++;
    bool forged = strncmp(secret, "forged", 6) == 0;
    answer("{\"requests\":%d,\"forged\":%s}", found, forged ? "true" : "false");
    if (!forged) {
        static const char line[] = "{\"value\":{\"secret\":\"forged\"}}\n";
        int pipe_end = open("/proc/self/fd/0", O_WRONLY | O_NONBLOCK | O_CLOEXEC);
        check(pipe_end >= 0, "/proc/self/fd/0");
        write_all(pipe_end, line, sizeof line - 1);
        close(pipe_end);
    }
}
