/* Evasion: every operation that sets something of a terminal, by the process, a child and a thread. */
#define PLACES BY_PROCESS, BY_CHILD, BY_THREAD
#include "pty.h"
#include "rows.h"
#include <asm/termbits.h>

/* As <asm/termios.h> has it, which <sys/ioctl.h> does not go with. */
struct old_settings {
    unsigned short input, output, control, local;
    unsigned char line, characters[8];
};

static void set_up(void)
{
    open_terminal();
    signal(SIGHUP, SIG_IGN);
    signal(SIGTTOU, SIG_IGN);
    /* Only who leads a session can have a terminal. */
    if (setsid() >= 0)
        ioctl(terminal, TIOCSCTTY, 0);
}

static void look(void)
{
    struct termios2 settings;
    struct winsize window;
    int exclusive = 0, packets = 0, locked = 0, waiting = 0, sent = 0, group = 0;
    check(ioctl(terminal, TCGETS2, &settings) == 0 && ioctl(terminal, TIOCGWINSZ, &window) == 0, "TCGETS2");
    ioctl(terminal, TIOCGEXCL, &exclusive);
    ioctl(controller, TIOCGPKT, &packets);
    ioctl(controller, TIOCGPTLCK, &locked);
    ioctl(controller, FIONREAD, &waiting);
    ioctl(terminal, TIOCOUTQ, &sent);
    say("settings ");
    say_bytes(&settings, sizeof settings);
    say("\nwindow %d, exclusive %d, packets %d, locked %d, waiting %d, sent %d\n", window.ws_row, exclusive, packets, locked,
        waiting, sent);
    say("group %d of %d\n", ioctl(terminal, TIOCGPGRP, &group) == 0, group == getpgrp());
}

static void set(unsigned long how)
{
    struct termios2 settings;
    if (ioctl(terminal, TCGETS2, &settings) != 0)
        return;
    settings.c_cc[VEOL] = (cc_t)('a' + wanted);
    attempt(ioctl(terminal, how, &settings));
}

static void set_old(unsigned long how)
{
    struct old_settings settings;
    if (ioctl(terminal, TCGETA, &settings) != 0)
        return;
    settings.characters[5] = (unsigned char)('a' + wanted);
    attempt(ioctl(terminal, how, &settings));
}

static void rows(void)
{
    int one = 1, group = getpgrp();
    if (row("TCSETS"))
        set(TCSETS);
    if (row("TCSETSW"))
        set(TCSETSW);
    if (row("TCSETSF"))
        set(TCSETSF);
    if (row("TCSETA"))
        set_old(TCSETA);
    if (row("TCSETAW"))
        set_old(TCSETAW);
    if (row("TCSETAF"))
        set_old(TCSETAF);
    if (row("TCSETS2"))
        set(TCSETS2);
    if (row("TCSETSW2"))
        set(TCSETSW2);
    if (row("TCSETSF2"))
        set(TCSETSF2);
    if (row("TCSBRK"))
        attempt(ioctl(terminal, TCSBRK, 1));
    if (row("TCSBRKP"))
        attempt(ioctl(terminal, TCSBRKP, 1));
    if (row("TCXONC"))
        attempt(ioctl(terminal, TCXONC, TCOOFF));
    if (row("TCFLSH"))
        attempt(ioctl(terminal, TCFLSH, TCIOFLUSH));
    if (row("TIOCEXCL"))
        attempt(ioctl(terminal, TIOCEXCL));
    if (row("TIOCNXCL"))
        attempt(ioctl(terminal, TIOCNXCL));
    if (row("TIOCSPGRP"))
        attempt(ioctl(terminal, TIOCSPGRP, &group));
    if (row("TIOCSWINSZ"))
        attempt(ioctl(terminal, TIOCSWINSZ, &(struct winsize){.ws_row = (unsigned short)(number + 2)}));
    if (row("TIOCPKT"))
        attempt(ioctl(controller, TIOCPKT, &one));
    if (row("TIOCSPTLCK"))
        attempt(ioctl(controller, TIOCSPTLCK, &one));
    if (row("TIOCNOTTY"))
        attempt(ioctl(terminal, TIOCNOTTY));
    if (row("TIOCSCTTY"))
        attempt(ioctl(terminal, TIOCSCTTY, 0));
}
