/* Evasion: likewise with the poll(2) of a thread that is not the first. */
#include "interrupted.h"
#include "of_thread.h"

static void describe(char *text, size_t size)
{
    int first, count;
    go_on_with_poll(&first, &count);
    snprintf(text, size, "first %d, count %d", first, count);
}

static void change(const char *secret)
{
    unblock();
    leave_poll(secret);
}
