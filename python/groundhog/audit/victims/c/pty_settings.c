/* Evasion: the control characters of a terminal, set through another opening of it. */
#include "pty.h"
#include <termios.h>

static void prepare(void)
{
    open_terminal();
}

static void handle(const char *secret)
{
    struct termios found, other;
    check(tcgetattr(terminal, &found) == 0, "tcgetattr");
    other = found;
    other.c_cc[VEOL] = (cc_t)('a' + number_in(secret) % 20);
    int again = ioctl(controller, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (again >= 0) {
        (void)!tcsetattr(again, TCSANOW, &other);
        close(again);
    }
    answer("{\"end_of_line\":%d}", found.c_cc[VEOL]);
}
