/* Children of all kinds, left alive. The answer holds the process ids of all of them. */
#include "case.h"

static char stack[64 << 10] __attribute__((aligned(16)));
static char own_secret[SECRET_SIZE];
static char scribbled[PAGE];
static int told[2];

static void tell(void)
{
    pid_t self = (pid_t)syscall(SYS_getpid);
    check(write(told[1], &self, sizeof self) == sizeof self, "telling");
}

static int live(void *unused)
{
    (void)unused;
    tell();
    for (;;)
        pause();
    return 0;
}

static int scribble(void *unused)
{
    (void)unused;
    tell();
    for (;;) {
        leave(scribbled, sizeof scribbled, own_secret);
        sched_yield();
    }
    return 0;
}

static void *be_vfork_parent(void *unused)
{
    /* As vfork(2), whose parent thread waits for as long as the child lives. */
    clone(live, stack + sizeof stack, CLONE_VM | CLONE_VFORK | SIGCHLD, NULL);
    return unused;
}

static void *live_as_thread(void *unused)
{
    live(unused);
    return NULL;
}

static int make(void)
{
    pthread_t thread;
    if (is("fork") && fork() == 0)
        live(NULL);
    if (is("session") && fork() == 0) {
        setsid();
        live(NULL);
    }
    if (is("double")) {
        pid_t middle = fork();
        if (middle == 0) {
            if (fork() == 0) {
                setsid();
                live(NULL);
            }
            _exit(0);
        }
        check(waitpid(middle, NULL, 0) == middle, "waitpid");
    }
    if (is("generations") && fork() == 0) {
        if (fork() == 0) {
            if (fork() == 0)
                live(NULL);
            live(NULL);
        }
        live(NULL);
    }
    if (is("vfork"))
        check(pthread_create(&thread, NULL, be_vfork_parent, NULL) == 0, "pthread_create");
    if (is("shared_memory"))
        check(clone(scribble, stack + sizeof stack, CLONE_VM | SIGCHLD, NULL) > 0, "clone");
    if (is("silent")) /* no signal at its end, which makes it a "clone" child */
        check(clone(live, stack + sizeof stack, 0, NULL) > 0, "clone");
    if (is("with_threads") && fork() == 0) {
        for (int i = 0; i < 3; i++)
            pthread_create(&thread, NULL, live_as_thread, NULL);
        live(NULL);
    }
    if (is("stopped") && fork() == 0) {
        tell();
        for (;;)
            raise(SIGSTOP);
    }
    if (is("many"))
        for (int i = 0; i < 20; i++)
            if (fork() == 0)
                live(NULL);
    return is("generations") ? 3 : is("many") ? 20 : is("with_threads") ? 4 : 1;
}

static void prepare(void)
{
    check(pipe2(told, O_CLOEXEC) == 0, "pipe");
}

static void handle(const char *secret)
{
    strcpy(own_secret, secret);
    check(scribbled[0] == 0 && scribbled[PAGE - 1] == 0, "memory written by a child of an earlier request");
    char line[1024] = "";
    for (int count = make(); count > 0; count--) {
        pid_t pid;
        check(read(told[0], &pid, sizeof pid) == sizeof pid, "being told");
        snprintf(line + strlen(line), sizeof line - strlen(line), "%d ", pid);
    }
    answer("%s", line);
}
