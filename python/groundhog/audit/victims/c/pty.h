/* What the victims share that change a pseudo-terminal of the snapshot. */
#include "open_files.h"
#include <sys/ioctl.h>

static int controller, terminal;

static void open_terminal(void)
{
    int unlocked = 0;
    controller = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    check(controller >= 0 && ioctl(controller, TIOCSPTLCK, &unlocked) == 0, "/dev/ptmx");
    terminal = ioctl(controller, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    check(terminal >= 0, "TIOCGPTPEER");
}
