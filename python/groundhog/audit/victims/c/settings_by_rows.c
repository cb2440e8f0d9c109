/* Evasion: every call that sets something of the process or a thread, by the process, a child and a thread, also for each
 * other by their numbers. */
#include "rows.h"
#include <asm/ldt.h>
#include <linux/seccomp.h>
#include <linux/filter.h>
#include <sys/personality.h>
#include <sys/wait.h>

enum { TIMER_IDS = 77, SCHED_CORE = 62, MEMORY_MERGE = 67, MDWE = 65, IO_FLUSHER = 57, IO_FLUSHER_IS = 58 };

static int folder, process, reader;
static pid_t self;

static void set_up(void)
{
    sigset_t blocked;
    int ends[2];
    self = getpid();
    sigemptyset(&blocked);
    for (int number_of = SIGRTMIN; number_of < SIGRTMIN + 8; number_of++)
        sigaddset(&blocked, number_of);
    check(sigprocmask(SIG_BLOCK, &blocked, NULL) == 0, "sigprocmask");
    folder = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    process = (int)syscall(SYS_pidfd_open, self, 0);
    check(folder >= 0 && process >= 0, "open");
    check(pipe2(ends, O_CLOEXEC) == 0, "pipe");
    reader = ends[0];
    attempt(mlock(before, PAGE));
}

static void look(void)
{
    struct sched_param parameter = {0};
    struct itimerval interval;
    cpu_set_t processors;
    stack_t stack;
    struct rlimit limit;
    char text[256] = "";
    int value = 0;
    say_lines("/proc/self/status", " Name: Umask: SigPnd: ShdPnd: SigBlk: SigIgn: SigCgt: Seccomp: "
                                   "Speculation_Store_Bypass: SpeculationIndirectBranch: NoNewPrivs: VmLck: ");
    say_lines("/proc/self/timers", NULL);
    sched_getparam(0, &parameter);
    say("scheduled %d %d, nice %d, io %ld\n", sched_getscheduler(0), parameter.sched_priority, getpriority(PRIO_PROCESS, 0),
        syscall(SYS_ioprio_get, 1, 0));
    sched_getaffinity(0, sizeof processors, &processors);
    say("processors %d\n", CPU_COUNT(&processors));
    for (int which = ITIMER_REAL; which <= ITIMER_PROF; which++)
        if (getitimer(which, &interval) == 0)
            say("timer %d %d\n", which, interval.it_value.tv_sec != 0 || interval.it_value.tv_usec != 0);
    sigaltstack(NULL, &stack);
    say("stack %x, person %x\n", stack.ss_flags, personality(0xffffffff));
    for (int resource = 0; resource < RLIM_NLIMITS; resource++)
        if (getrlimit((unsigned)resource, &limit) == 0)
            say("limit %d %lx %lx\n", resource, (unsigned long)limit.rlim_cur, (unsigned long)limit.rlim_max);
    attempt(readlink("/proc/self/cwd", text, sizeof text - 1));
    say("folder %s\n", strcmp(text, "/proc") == 0 ? text : "as it was");
    prctl(PR_GET_PDEATHSIG, &value);
    say("death %d, ", value);
    prctl(PR_GET_TSC, &value);
    say("stamps %d, ", value);
    prctl(PR_GET_CHILD_SUBREAPER, &value);
    say("reaper %d, dumpable %d, keeps %d, slack %d, errors %d, huge %d, flusher %d, merge %d, executes %d\n", value,
        prctl(PR_GET_DUMPABLE), prctl(PR_GET_KEEPCAPS), prctl(PR_GET_TIMERSLACK), prctl(PR_MCE_KILL_GET, 0, 0, 0, 0),
        prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0), prctl(IO_FLUSHER_IS, 0, 0, 0, 0), prctl(MEMORY_MERGE + 1, 0, 0, 0, 0),
        prctl(MDWE + 1, 0, 0, 0, 0));
    say("numbers %d, ", prctl(TIMER_IDS, 2, 0, 0, 0));
    say("speculation %d %d, ", prctl(PR_GET_SPECULATION_CTRL, 0, 0, 0, 0), prctl(PR_GET_SPECULATION_CTRL, 1, 0, 0, 0));
    uint64_t cookie = 0;
    prctl(SCHED_CORE, 0, 0, 0, &cookie);
    unsigned char table[64] = {0};
    long length = syscall(SYS_modify_ldt, 0, table, sizeof table);
    void *list = NULL;
    size_t size;
    syscall(SYS_get_robust_list, 0, &list, &size);
    struct user_desc segment = {.entry_number = 12};
    attempt(syscall(SYS_get_thread_area, &segment));
    say("core %d, table %ld, area %u, child %d, ", cookie != 0, length, segment.limit,
        waitid(P_ALL, 0, NULL, WNOHANG | WEXITED | WNOWAIT) == 0);
    say("list %p\n", list);
    int *address = NULL;
    prctl(40 /* PR_GET_TID_ADDRESS */, &address);
    say("address %p\n", (void *)address);
    for (int at = 0; at < 3; at++) {
        struct itimerspec left;
        say("own timer %d %d\n", at, syscall(SYS_timer_gettime, at, &left) == 0 && left.it_value.tv_sec > 0);
    }
}

static void on_signal(int number_of)
{
    (void)number_of;
}

/* Of the thread that the function answers by, if another one tries. */
static pid_t whom(void)
{
    return place == BY_PROCESS ? 0 : self;
}

static void run_child(long (*become)(void))
{
    pid_t child = fork();
    if (child == 0) {
        become();
        _exit(0);
    }
    if (child > 0)
        waitpid(child, NULL, 0);
}

static long execute(void)
{
    static char *const words[] = {"/bin/true", NULL};
    return syscall(SYS_execveat, AT_FDCWD, words[0], words, NULL, 0);
}

static void rows(void)
{
    static struct sock_filter allow = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    static const struct sock_fprog filter = {1, &allow};
    static char stack[1 << 16];
    static int made_by;
    static struct {
        void *next;
        long offset;
        void *pending;
    } list = {&list, 0, NULL};
    siginfo_t told = {.si_signo = SIGRTMIN + 3, .si_code = SI_QUEUE, .si_pid = self, .si_value = {.sival_int = 7}};
    const struct itimerval interval = {.it_value = {.tv_sec = 10000}};
    const struct itimerspec later = {.it_value = {.tv_sec = 10000}};
    const struct sched_param none = {0};
    struct rlimit limit = {100, 100};
    cpu_set_t first;
    CPU_ZERO(&first);
    CPU_SET(sched_getcpu(), &first);
    if (row("kill"))
        attempt(kill(self, SIGRTMIN));
    if (row("tkill"))
        attempt(syscall(SYS_tkill, self, SIGRTMIN + 1));
    if (row("tgkill"))
        attempt(syscall(SYS_tgkill, self, self, SIGRTMIN + 2));
    if (row("rt_sigqueueinfo"))
        attempt(syscall(SYS_rt_sigqueueinfo, self, SIGRTMIN + 3, &told));
    told.si_signo = SIGRTMIN + 4;
    if (row("rt_tgsigqueueinfo"))
        attempt(syscall(SYS_rt_tgsigqueueinfo, self, self, SIGRTMIN + 4, &told));
    if (row("pidfd_send_signal"))
        attempt(syscall(SYS_pidfd_send_signal, process, SIGRTMIN + 5, NULL, 0));
    if (row("rt_sigaction"))
        attempt(sigaction(SIGRTMIN + 6, &(struct sigaction){.sa_handler = on_signal}, NULL));
    if (row("rt_sigreturn")) {
        signal(SIGUSR2, on_signal);
        raise(SIGUSR2);
    }
    if (row("sigaltstack"))
        attempt(sigaltstack(&(stack_t){.ss_sp = stack, .ss_size = sizeof stack}, NULL));
    if (row("alarm"))
        attempt(syscall(SYS_alarm, 10000));
    if (row("setitimer"))
        attempt(setitimer(ITIMER_VIRTUAL, &interval, NULL));
    if (row("timer_create, timer_settime")) {
        struct sigevent silent = {.sigev_notify = SIGEV_NONE};
        if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &silent, &made_by) == 0)
            attempt(syscall(SYS_timer_settime, made_by, 0, &later, NULL));
    }
    if (row("timer_delete")) {
        struct sigevent silent = {.sigev_notify = SIGEV_NONE};
        if (syscall(SYS_timer_create, CLOCK_MONOTONIC, &silent, &made_by) == 0)
            attempt(syscall(SYS_timer_delete, made_by));
    }
    if (row("chdir"))
        attempt(chdir("/proc"));
    if (row("fchdir"))
        attempt(fchdir(folder));
    if (row("umask"))
        attempt(umask(0777 & (mode_t)number));
    if (row("personality"))
        attempt(personality(STICKY_TIMEOUTS));
    if (row("setrlimit"))
        attempt(syscall(SYS_setrlimit, RLIMIT_CORE, &limit));
    if (row("prlimit64"))
        attempt(syscall(SYS_prlimit64, self, RLIMIT_MSGQUEUE, &limit, NULL));
    if (row("setpriority"))
        attempt(setpriority(PRIO_PROCESS, (id_t)self, 5));
    if (row("ioprio_set"))
        attempt(syscall(SYS_ioprio_set, 1, self, (2 << 13) | 7));
    if (row("sched_setparam"))
        attempt(sched_setparam(whom(), &none));
    if (row("sched_setscheduler"))
        attempt(sched_setscheduler(whom(), SCHED_BATCH, &none));
    if (row("sched_setattr")) {
        const struct {
            uint32_t size, policy;
            uint64_t flags;
            int32_t nice;
            uint32_t priority;
            uint64_t runtime, deadline, period;
        } attributes = {.size = 48, .policy = SCHED_BATCH};
        attempt(syscall(SYS_sched_setattr, whom(), &attributes, 0));
    }
    if (row("sched_setaffinity"))
        attempt(sched_setaffinity(whom(), sizeof first, &first));
    if (row("mlock"))
        attempt(mlock(stack, PAGE));
    if (row("mlock2"))
        attempt(syscall(SYS_mlock2, stack, PAGE, 1));
    if (row("munlock"))
        attempt(munlock(before, PAGE));
    if (row("munlockall"))
        attempt(munlockall());
    if (row("mlockall"))
        attempt(mlockall(MCL_FUTURE));
    if (row("PR_SET_PDEATHSIG"))
        attempt(prctl(PR_SET_PDEATHSIG, SIGURG));
    if (row("PR_SET_DUMPABLE"))
        attempt(prctl(PR_SET_DUMPABLE, 0));
    if (row("PR_SET_KEEPCAPS"))
        attempt(prctl(PR_SET_KEEPCAPS, 1));
    if (row("PR_SET_NAME"))
        attempt(prctl(PR_SET_NAME, "secret"));
    if (row("PR_SET_TIMERSLACK"))
        attempt(prctl(PR_SET_TIMERSLACK, 12345));
    if (row("PR_MCE_KILL"))
        attempt(prctl(PR_MCE_KILL, PR_MCE_KILL_SET, PR_MCE_KILL_EARLY, 0, 0));
    if (row("PR_SET_CHILD_SUBREAPER"))
        attempt(prctl(PR_SET_CHILD_SUBREAPER, 1));
    if (row("PR_SET_THP_DISABLE"))
        attempt(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0));
    if (row("PR_SET_IO_FLUSHER"))
        attempt(prctl(IO_FLUSHER, 1, 0, 0, 0));
    if (row("PR_TIMER_CREATE_RESTORE_IDS"))
        attempt(prctl(TIMER_IDS, 1, 0, 0, 0));
    if (row("PR_SET_TSC"))
        attempt(prctl(PR_SET_TSC, PR_TSC_ENABLE));
    if (row("PR_SET_SPECULATION_CTRL"))
        attempt(prctl(PR_SET_SPECULATION_CTRL, 0, 1 << 2, 0, 0));
    if (row("PR_SET_SPECULATION_CTRL of branches"))
        attempt(prctl(PR_SET_SPECULATION_CTRL, 1, 1 << 2, 0, 0));
    if (row("PR_SCHED_CORE"))
        attempt(prctl(SCHED_CORE, 1, self, 1, 0));
    if (row("PR_SET_PTRACER"))
        attempt(prctl(PR_SET_PTRACER, -1L, 0, 0, 0));
    if (row("PR_SET_MEMORY_MERGE"))
        attempt(prctl(MEMORY_MERGE, 1, 0, 0, 0));
    if (row("PR_SET_MDWE"))
        attempt(prctl(MDWE, 1, 0, 0, 0));
    if (row("PR_SET_MM"))
        attempt(prctl(PR_SET_MM, 8 /* PR_SET_MM_ARG_START */, stack, 0, 0));
    if (row("PR_SET_SYSCALL_USER_DISPATCH"))
        attempt(prctl(59, 0, 0, 0, 0));
    if (row("PR_SET_SECCOMP") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        attempt(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter));
    if (row("SECCOMP_SET_MODE_FILTER") && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        attempt(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter));
    /* A thread is waited for at its own address. */
    if (row("set_tid_address") && place != BY_THREAD)
        attempt(syscall(SYS_set_tid_address, &made_by));
    if (row("set_robust_list"))
        attempt(syscall(SYS_set_robust_list, &list, sizeof list));
    if (row("set_thread_area"))
        attempt(syscall(SYS_set_thread_area, &(struct user_desc){.entry_number = 12, .limit = 7, .seg_32bit = 1, .useable = 1}));
    if (row("modify_ldt"))
        attempt(syscall(SYS_modify_ldt, 1, &(struct user_desc){.limit = 7, .seg_32bit = 1}, sizeof(struct user_desc)));
    if (row("restart_syscall"))
        attempt(syscall(SYS_restart_syscall));
    if (row("fork")) {
        long child = syscall(SYS_fork);
        if (child == 0)
            _exit(0);
        /* Nobody waits for it. */
    }
    if (row("vfork")) {
        pid_t child = vfork();
        if (child == 0)
            _exit(0);
        waitpid(child, NULL, 0);
    }
    if (row("execveat"))
        run_child(execute);
    /* Whoever is in this mode makes no other call any more; in a thread it would be its end. */
    if (row("SECCOMP_SET_MODE_STRICT") && place != BY_THREAD)
        attempt(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, NULL));
}
