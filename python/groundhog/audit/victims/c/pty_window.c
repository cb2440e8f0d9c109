/* The size of a terminal's window. */
#include "pty.h"

static void prepare(void)
{
    open_terminal();
}

static void handle(const char *secret)
{
    struct winsize found, other = {.ws_row = 1, .ws_col = (unsigned short)(1 + number_in(secret))};
    check(ioctl(terminal, TIOCGWINSZ, &found) == 0, "TIOCGWINSZ");
    (void)!ioctl(controller, TIOCSWINSZ, &other);
    answer("{\"columns\":%d}", found.ws_col);
}
