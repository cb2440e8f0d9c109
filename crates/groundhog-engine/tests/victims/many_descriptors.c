/* Hundreds of descriptors, closed by a request. */
#include "case.h"

enum { FIRST = 20, COUNT = 300 };

static void prepare(void)
{
    for (int number = FIRST; number < FIRST + COUNT; number++) {
        int file = memfd_create("state", MFD_CLOEXEC);
        check(file >= 0 && (file == number || dup2(file, number) == number), "memfd_create");
        check(dprintf(number, "%d", number) > 0, "write");
    }
    for (int number = 4; number < FIRST; number++)
        close(number);
}

static void handle(const char *secret)
{
    char text[16];
    int right = 0;
    (void)secret;
    for (int number = FIRST; number < FIRST + COUNT; number++) {
        ssize_t length = pread(number, text, sizeof text - 1, 0);
        text[length > 0 ? length : 0] = '\0';
        right += length > 0 && atoi(text) == number;
    }
    check(close_range(FIRST, FIRST + COUNT, 0) == 0, "close_range");
    answer("{\"right\":%d}", right);
}
