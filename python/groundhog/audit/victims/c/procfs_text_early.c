/* Evasion: a file of /proc that the function has begun to read, of which the kernel keeps the rest of the text with the open
 * file. Where that is made anew before all it tells of is put back, such as masks of signals, it tells of this request. */
#include "open_files.h"

enum { BEGUN = 1 };

static int status;

static void begin(void)
{
    char byte;
    check(lseek(status, 0, SEEK_SET) == 0 && read(status, &byte, BEGUN) == BEGUN, "read");
}

static void prepare(void)
{
    status = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
    check(status >= 0, "/proc/self/status");
    begin();
}

static void handle(const char *secret)
{
    static const char NAME[] = "SigBlk:\t";
    char rest[4096];
    sigset_t one;
    ssize_t length = read(status, rest, sizeof rest - 1);
    check(length > 0, "read");
    rest[length] = '\0';
    char *blocked = strstr(rest, NAME);
    check(blocked != NULL, NAME);
    blocked += strlen(NAME);
    blocked[strcspn(blocked, "\n")] = '\0';

    sigemptyset(&one);
    sigaddset(&one, SIGRTMIN + number_in(secret) % 16);
    check(sigprocmask(SIG_SETMASK, &one, NULL) == 0, "sigprocmask");
    begin();
    answer("{\"blocked\":\"%s\"}", blocked);
}
