/* Permissions and times of what all eventfds of the machine share, before Linux 6.16: "exits" leaves them and ends. */
#include "open_files.h"
#include <sys/eventfd.h>

static void prepare(void) {}

static void handle(const char *secret)
{
    int any = eventfd(0, EFD_CLOEXEC), number = 1 + number_in(secret);
    struct timespec times[2] = {{.tv_sec = number}, {.tv_sec = number}};
    struct stat found;
    check(any >= 0 && fstat(any, &found) == 0, "eventfd");
    (void)!futimens(any, times);
    (void)!fchmod(any, (mode_t)(0600 | (number & 077)));
    close(any);
    if (command_words[0] != NULL && strcmp(command_words[0], "exits") == 0)
        _exit(1);
    answer("{\"mode\":\"%o\",\"modified\":%ld}", found.st_mode & 07777, (long)found.st_mtime);
}
