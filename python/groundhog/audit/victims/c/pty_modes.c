/* Evasion: a terminal is for this process alone, and its controller is told of more than output. */
#include "pty.h"

static void prepare(void)
{
    open_terminal();
}

static void handle(const char *secret)
{
    int exclusive = 0, packets = 0, wanted = 1;
    (void)secret;
    check(ioctl(terminal, TIOCGEXCL, &exclusive) == 0 && ioctl(controller, TIOCGPKT, &packets) == 0, "ioctl");
    (void)!ioctl(terminal, TIOCEXCL, 0);
    (void)!ioctl(controller, TIOCPKT, &wanted);
    answer("{\"exclusive\":%d,\"packets\":%d}", exclusive, packets);
}
