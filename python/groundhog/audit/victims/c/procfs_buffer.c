/* Evasion: a file of /proc that the function has begun to read. The kernel keeps the rest of the text with the open file,
 * so that a request that reads it anew, as far as before, leaves its own state there for whoever reads on. */
#include "victim.h"

enum { BEGUN = 1 };

static int status;

static void prepare(void)
{
    char byte;
    status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    check(status >= 0 && read(status, &byte, BEGUN) == BEGUN, "/proc/self/status");
}

static void handle(const char *secret)
{
    char rest[64] = "", byte, before[16] = "";
    check(pthread_getname_np(pthread_self(), before, sizeof before) == 0, "name");
    check(read(status, rest, sizeof rest - 1) > 0, "read");
    rest[strcspn(rest, "\n")] = '\0';
    const char *name = strrchr(rest, '\t');
    check(name != NULL, rest);
    check(prctl(PR_SET_NAME, secret) == 0, "PR_SET_NAME");
    check(lseek(status, 0, SEEK_SET) == 0 && read(status, &byte, BEGUN) == BEGUN, "read");
    (void)!prctl(PR_SET_NAME, before);
    answer("{\"reads\":\"%s\"}", name[1] == 'Q' ? name + 1 : "own");
}
