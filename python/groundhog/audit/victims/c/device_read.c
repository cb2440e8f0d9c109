/* The kernel's messages, of which an open device remembers which were read; its offset does not tell. Root alone may read
 * them. */
#include "victim.h"

static int messages;

static void prepare(void)
{
    messages = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    check(messages >= 0 || geteuid() != 0, "/dev/kmsg");
}

static void handle(const char *secret)
{
    char text[8192] = "";
    int priority, number = -1;
    (void)secret;
    if (messages >= 0) {
        check(read(messages, text, sizeof text - 1) > 0, "read");
        check(sscanf(text, "%d,%d", &priority, &number) == 2, text);
    }
    answer("{\"number\":%d}", number);
}
