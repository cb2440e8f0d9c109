/* Evasion: that the process has made use of a privilege, which the kernel notes for its accounts (a flag in /proc/self/stat) for ever:
 * it only opens a file that nobody may read. Only a privileged process can. */
#include "victim.h"

enum { USED_PRIVILEGE = 0x100 };
static char unreadable[256];

static void prepare(void)
{
    int file = temporary_file(unreadable);
    check(fchmod(file, 0) == 0 && close(file) == 0, "fchmod");
}

static bool is_noted(void)
{
    char line[1024] = "";
    unsigned flags = 0;
    FILE *file = fopen("/proc/self/stat", "re");
    check(file != NULL && fgets(line, sizeof line, file) != NULL, "/proc/self/stat");
    fclose(file);
    check(sscanf(strrchr(line, ')'), ") %*c %*d %*d %*d %*d %*d %u", &flags) == 1, "/proc/self/stat");
    return flags & USED_PRIVILEGE;
}

static void handle(const char *secret)
{
    bool found = is_noted();
    (void)secret;
    int file = open(unreadable, O_RDONLY | O_CLOEXEC);
    check(file >= 0 || errno == EACCES, "open");
    close(file);
    answer("{\"noted\":%d}", found);
}
