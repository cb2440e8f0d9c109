/* Evasion: every call that makes, removes or changes what has a name in a private folder, by the process, a child and a
 * thread; by names of all kinds, through descriptors and through /proc/self/fd. */
#include "files.h"

#define PLACES BY_PROCESS, BY_CHILD, BY_THREAD
#include "rows.h"
#include <linux/fs.h>
#include <linux/openat2.h>
#include <sys/ioctl.h>
#include <sys/sysmacros.h>
#include <utime.h>

enum { SETXATTRAT = 463, REMOVEXATTRAT = 466, FCHMODAT2 = 452 };

static int directory, kept, inner;
static char scratch[16], kept_by_number[64], attributes_known;
static union {
    struct file_handle handle;
    char space[sizeof(struct file_handle) + MAX_HANDLE_SZ];
} of_kept;

static void set_up(void)
{
    int mount;
    prepare_files();
    put(in_folder("lost"), "lost");
    (void)!symlink("kept", in_folder("symbolic"));
    (void)!mkdir(in_folder("empty"), 0755);
    attributes_known = setxattr(in_folder("kept"), "user.old", "old", 3, 0) == 0;
    directory = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    inner = open(in_folder("inner"), O_PATH | O_DIRECTORY | O_CLOEXEC);
    kept = open(in_folder("kept"), O_RDWR | O_CLOEXEC);
    check(directory >= 0 && inner >= 0 && kept >= 0, "open");
    snprintf(kept_by_number, sizeof kept_by_number, "/proc/self/fd/%d", kept);
    of_kept.handle.handle_bytes = MAX_HANDLE_SZ;
    if (name_to_handle_at(directory, "kept", &of_kept.handle, &mount, 0) != 0)
        of_kept.handle.handle_bytes = 0;
}

static void look_at(const char *name)
{
    char value[64], names[256];
    const char *path = in_folder(name);
    struct stat found;
    if (lstat(path, &found) != 0) {
        say("%s: none\n", name);
        return;
    }
    say("%s: %o %d %d %d, %ld.%09ld\n", name, found.st_mode, found.st_uid, found.st_gid, (int)found.st_nlink,
        (long)found.st_mtim.tv_sec, found.st_mtim.tv_nsec);
    if (S_ISREG(found.st_mode)) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t length = fd < 0 ? 0 : read(fd, value, sizeof value);
        say("%s: %ld bytes ", name, (long)found.st_size);
        say_bytes(value, length < 0 ? 0 : (size_t)length);
        close(fd);
    } else {
        say("%s: ", name);
    }
    ssize_t length = llistxattr(path, names, sizeof names);
    for (ssize_t at = 0; at < length; at += (ssize_t)strlen(names + at) + 1) {
        ssize_t size = lgetxattr(path, names + at, value, sizeof value);
        if (strncmp(names + at, "security.", 9) == 0)
            continue;
        say(" %s=", names + at);
        say_bytes(value, size < 0 ? 0 : (size_t)size);
    }
    say("\n");
}

static void look_into(const char *name)
{
    char *names[64];
    size_t count = 0;
    DIR *opened = opendir(in_folder(name));
    for (struct dirent *entry; opened != NULL && (entry = readdir(opened)) != NULL && count < 64;)
        if (entry->d_name[0] != '.')
            names[count++] = strdup(entry->d_name);
    if (opened != NULL)
        closedir(opened);
    qsort(names, count, sizeof names[0], by_name);
    for (size_t at = 0; at < count; at++) {
        char path[200];
        snprintf(path, sizeof path, "%s%s%s", name, *name == '\0' ? "" : "/", names[at]);
        look_at(path);
        free(names[at]);
    }
}

static void look(void)
{
    look_into("");
    look_into("inner");
    look_into("empty");
}

/* A call with a new name. */
static const char *fresh(void)
{
    snprintf(scratch, sizeof scratch, "new%d", number);
    return in_folder(scratch);
}

static void write_to(int fd)
{
    if (fd < 0)
        return;
    attempt(write(fd, "secret", 6));
    close(fd);
}

struct attribute {
    uint64_t value;
    uint32_t size, flags;
};

static void rows(void)
{
    const struct timespec times[2] = {{.tv_sec = 1000 + number}, {.tv_sec = 1000 + number}};
    const struct timeval times_of_old[2] = {{.tv_sec = 2000 + number}, {.tv_sec = 2000 + number}};
    const struct utimbuf oldest = {3000 + number, 3000 + number};
    const struct attribute attribute = {(uint64_t)(uintptr_t)"secret", 6, 0};
    struct open_how how = {.flags = O_WRONLY | O_CREAT, .mode = 0640};
    const mode_t mode = (mode_t)(0600 | (number % 7 + 1));
    const char *name = fresh();
    if (row("open"))
        write_to((int)syscall(SYS_open, name, O_WRONLY | O_CREAT, 0640));
    if (row("openat"))
        write_to((int)syscall(SYS_openat, directory, scratch, O_WRONLY | O_CREAT, 0640));
    if (row("openat2"))
        write_to((int)syscall(SYS_openat2, directory, "kept", &(struct open_how){.flags = O_WRONLY | O_APPEND}, sizeof how));
    if (row("openat2 of a new name"))
        write_to((int)syscall(SYS_openat2, directory, scratch, &how, sizeof how));
    if (row("creat"))
        write_to((int)syscall(SYS_creat, in_folder("kept"), 0640));
    if (row("open_by_handle_at"))
        write_to(open_by_handle_at(directory, &of_kept.handle, O_WRONLY | O_TRUNC));
    if (row("truncate"))
        attempt(syscall(SYS_truncate, in_folder("kept"), 3));
    if (row("truncate by number"))
        attempt(syscall(SYS_truncate, kept_by_number, 4));
    if (row("ftruncate"))
        attempt(ftruncate(kept, 5));
    if (row("fallocate"))
        attempt(fallocate(kept, 0, 0, 500));
    if (row("rename"))
        attempt(syscall(SYS_rename, in_folder("kept"), name));
    if (row("renameat"))
        attempt(syscall(SYS_renameat, directory, "lost", inner, scratch));
    if (row("renameat2"))
        attempt(syscall(SYS_renameat2, directory, "lost", directory, "kept", RENAME_EXCHANGE));
    if (row("renameat2 of a folder"))
        attempt(syscall(SYS_renameat2, directory, "inner", directory, scratch, RENAME_NOREPLACE));
    if (row("mkdir"))
        attempt(syscall(SYS_mkdir, name, 0700));
    if (row("mkdirat"))
        attempt(syscall(SYS_mkdirat, inner, scratch, 0700));
    if (row("rmdir"))
        attempt(syscall(SYS_rmdir, in_folder("empty")));
    if (row("mknod"))
        attempt(syscall(SYS_mknod, name, S_IFIFO | 0600, 0));
    if (row("mknodat"))
        attempt(syscall(SYS_mknodat, inner, scratch, S_IFREG | 0600, 0));
    if (row("mknodat of a device"))
        attempt(syscall(SYS_mknodat, directory, scratch, S_IFCHR | 0600, makedev(1, 3)));
    if (row("link"))
        attempt(syscall(SYS_link, in_folder("kept"), name));
    if (row("linkat"))
        attempt(syscall(SYS_linkat, AT_FDCWD, kept_by_number, inner, scratch, AT_SYMLINK_FOLLOW));
    if (row("symlink"))
        attempt(syscall(SYS_symlink, "secret", name));
    if (row("symlinkat"))
        attempt(syscall(SYS_symlinkat, "secret", inner, scratch));
    if (row("unlink"))
        attempt(syscall(SYS_unlink, in_folder("lost")));
    if (row("unlinkat"))
        attempt(syscall(SYS_unlinkat, inner, "second", 0));
    if (row("unlinkat of a folder"))
        attempt(syscall(SYS_unlinkat, directory, "empty", AT_REMOVEDIR));
    if (row("chmod"))
        attempt(syscall(SYS_chmod, in_folder("kept"), mode));
    if (row("chmod by number"))
        attempt(syscall(SYS_chmod, kept_by_number, mode));
    if (row("fchmod"))
        attempt(syscall(SYS_fchmod, directory, 0700 | mode));
    if (row("fchmodat"))
        attempt(syscall(SYS_fchmodat, inner, "second", mode));
    if (row("fchmodat2"))
        attempt(syscall(FCHMODAT2, directory, "lost", mode, 0));
    if (row("chown"))
        attempt(syscall(SYS_chown, in_folder("kept"), 5000 + number, -1));
    if (row("lchown"))
        attempt(syscall(SYS_lchown, in_folder("symbolic"), -1, 5000 + number));
    if (row("fchown"))
        attempt(syscall(SYS_fchown, kept, 6000 + number, -1));
    if (row("fchownat"))
        attempt(syscall(SYS_fchownat, directory, "symbolic", 7000 + number, -1, AT_SYMLINK_NOFOLLOW));
    if (row("utime"))
        attempt(syscall(SYS_utime, in_folder("kept"), &oldest));
    if (row("utimes"))
        attempt(syscall(SYS_utimes, in_folder("lost"), times_of_old));
    if (row("futimesat"))
        attempt(syscall(SYS_futimesat, inner, "second", times_of_old));
    if (row("utimensat"))
        attempt(syscall(SYS_utimensat, directory, "symbolic", times, AT_SYMLINK_NOFOLLOW));
    if (row("utimensat by descriptor"))
        attempt(syscall(SYS_utimensat, kept, NULL, times, 0));
    if (row("setxattr"))
        attempt(syscall(SYS_setxattr, in_folder("lost"), "user.new", "secret", 6, 0));
    if (row("lsetxattr"))
        attempt(syscall(SYS_lsetxattr, in_folder("kept"), "user.old", "secret", 6, 0));
    if (row("lsetxattr of a link"))
        attempt(syscall(SYS_lsetxattr, in_folder("symbolic"), "trusted.new", "secret", 6, 0));
    if (row("fsetxattr"))
        attempt(syscall(SYS_fsetxattr, kept, "user.new", "secret", 6, 0));
    if (row("setxattrat"))
        attempt(syscall(SETXATTRAT, directory, "lost", 0, "user.new", &attribute, sizeof attribute));
    if (row("removexattr"))
        attempt(syscall(SYS_removexattr, in_folder("kept"), "user.old"));
    if (row("lremovexattr"))
        attempt(syscall(SYS_lremovexattr, in_folder("kept"), "user.old"));
    if (row("fremovexattr"))
        attempt(syscall(SYS_fremovexattr, kept, "user.old"));
    if (row("removexattrat"))
        attempt(syscall(REMOVEXATTRAT, directory, "kept", 0, "user.old"));
    int from = open(in_folder("lost"), O_RDONLY | O_CLOEXEC);
    if (row("FICLONE"))
        attempt(ioctl(kept, FICLONE, from));
    if (row("FICLONERANGE"))
        attempt(ioctl(kept, FICLONERANGE, &(struct file_clone_range){.src_fd = from}));
    if (row("FIDEDUPERANGE")) {
        struct {
            struct file_dedupe_range range;
            struct file_dedupe_range_info info;
        } range = {{.src_length = 4, .dest_count = 1}, {.dest_fd = kept}};
        attempt(ioctl(from, FIDEDUPERANGE, &range));
    }
    close(from);
}
