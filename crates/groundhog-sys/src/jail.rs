//! Shutting a fresh child in before it executes its program: private folders, no privileges, no reach.
//!
//! ```text
//!   become another user (if asked) -> namespaces of its own, a network among them (if asked)
//!   -> everything read-only -> terminals of its own -> private folders over it
//!   -> no capabilities -> no_new_privs -> Landlock
//! ```
//!
//! A private folder is an overlay: what was there shows through, what is written goes to a tmpfs that nobody else sees
//! and that the process cannot name. The parent gets descriptors of both sides.

use crate::kernel_types::{Errno, Result, Tid, check};
use crate::{landlock, network, sock_diag};
use rustix::fs::{FileType, Mode, OFlags, ResolveFlags};
use rustix::mount::{MountFlags, MountPropagationFlags, MoveMountFlags, OpenTreeFlags};
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage,
};
use rustix::thread::{CapabilitySet, CapabilitySets, Gid, Uid, UnshareFlags};
use std::ffi::{CStr, CString};
use std::io::{IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

/// Most mounts that a jail may consist of: a child cannot allocate.
pub const MAX_MOUNTS: usize = 64;
/// Two descriptors each, the shared memory and the network's; the kernel sends at most 253 at once (`SCM_MAX_FD`).
const MAX_SENT: usize = 2 * MAX_MOUNTS + 4;

/// How a child is shut in. All of it is prepared before the fork.
#[derive(Debug, Default)]
pub struct Jail {
    /// User and group to become, without other groups.
    pub ids: Option<(u32, u32)>,
    /// Namespaces with private folders.
    pub folders: Option<Folders>,
    /// A Landlock ruleset to be restricted by.
    pub ruleset: Option<OwnedFd>,
}

/// The folders in which a child may write, each to a tmpfs of its own. All others become read-only.
#[derive(Debug)]
pub struct Folders {
    /// Lines for `/proc/self/uid_map` and `gid_map`.
    pub uid_map: CString,
    /// See `uid_map`.
    pub gid_map: CString,
    /// Where the tmpfs is mounted that takes what is written; hidden in the end.
    pub base: CString,
    /// Its options: size, number of files.
    pub tmpfs: CString,
    /// What is mounted then, a folder before what lies in it.
    pub mounts: Vec<Mount>,
    /// The private folders, those in others too.
    pub written: Vec<CString>,
    /// A folder of `base`, and where it becomes the shared memory by name.
    pub shared_memory: Option<(CString, CString)>,
    /// Where terminals are (`devpts`): in their place come such as only this process makes.
    pub terminals: Vec<CString>,
    /// A network of its own, which has a loopback interface and no other.
    pub own_network: bool,
    /// Where the descriptors go that [`receive`] takes.
    pub hand: OwnedFd,
}

/// One mount of a jail.
#[derive(Debug)]
pub enum Mount {
    /// An overlay.
    Private {
        /// The folder.
        path: CString,
        /// A folder below `base` that takes what is written.
        upper: CString,
        /// Another, which the kernel needs.
        work: CString,
        /// Options: `lowerdir=.` and the above.
        options: CString,
        /// Permissions of the folder.
        mode: u32,
    },
    /// A pipe or socket in a private folder, which would not be the same one through the overlay.
    Again {
        /// Where.
        path: CString,
    },
}

/// The two sides of a private folder, seen from outside: as the process sees it, and what was written alone.
#[derive(Debug)]
pub struct Sides {
    /// With all that shows through.
    pub merged: OwnedFd,
    /// Only what was written.
    pub written: OwnedFd,
}

/// What a child that entered its jail has sent.
#[derive(Debug)]
pub struct Received {
    /// A `sock_diag(7)` socket of its own network.
    pub sock_diag: Option<OwnedFd>,
    /// Sockets of its own network that may connect to what listens there, bound to its loopback addresses.
    pub callers: Vec<OwnedFd>,
    /// The shared memory by name.
    pub shared_memory: Option<OwnedFd>,
    /// Of each private folder, in the order of the mounts.
    pub sides: Vec<Sides>,
}

/// Shuts the calling process in. System calls only: for a child between fork and exec.
///
/// # Errors
/// Of whichever call was refused.
pub(crate) fn enter(jail: &Jail) -> Result<()> {
    if let Some((uid, gid)) = jail.ids {
        become_user(uid, gid)?;
    }
    if let Some(folders) = &jail.folders {
        enter_folders(folders)?;
    }
    drop_capabilities()?;
    rustix::thread::set_no_new_privs(true)?;
    if let Some(ruleset) = &jail.ruleset {
        landlock::restrict_self(ruleset)?;
    }
    Ok(())
}

fn become_user(uid: u32, gid: u32) -> Result<()> {
    let (uid, gid) = (Uid::from_raw(uid), Gid::from_raw(gid));
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(gid, gid, gid)?;
    rustix::thread::set_thread_res_uid(uid, uid, uid)?;
    // Its files under /proc were root's otherwise, which it needs to map its ids.
    rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::Dumpable)?;
    Ok(())
}

fn enter_folders(folders: &Folders) -> Result<()> {
    let mut namespaces = UnshareFlags::NEWUSER | UnshareFlags::NEWNS | UnshareFlags::NEWIPC;
    namespaces.set(UnshareFlags::NEWNET, folders.own_network);
    // SAFETY: no flag gives the calling thread another descriptor table or address space, which is what could make
    // the descriptors of this process mean something else.
    unsafe { rustix::thread::unshare_unsafe(namespaces)? };
    write(c"/proc/self/setgroups", c"deny")?;
    write(c"/proc/self/uid_map", &folders.uid_map)?;
    write(c"/proc/self/gid_map", &folders.gid_map)?;
    // Or mounts made outside later would appear here, writable.
    rustix::mount::mount_change(c"/", MountPropagationFlags::PRIVATE | MountPropagationFlags::REC)?;
    let mut sides: [Option<OwnedFd>; MAX_SENT] = [const { None }; MAX_SENT];
    let mut found = 0;
    if folders.own_network {
        network::begin()?; // before its settings are read-only
        for made in [sock_diag::open(), network::caller(true), network::caller(false)] {
            sides[found] = Some(made?);
            found += 1;
        }
    }
    make_read_only()?;
    for place in &folders.terminals {
        hide_terminals(place)?;
    }

    let mut sources: [Option<OwnedFd>; MAX_MOUNTS] = [const { None }; MAX_MOUNTS];
    if folders.mounts.len() > MAX_MOUNTS {
        return Err(Errno(libc::E2BIG));
    }
    for (source, mount) in sources.iter_mut().zip(&folders.mounts) {
        *source = match mount {
            Mount::Private { path, .. } => Some(open_folder(path)?),
            Mount::Again { path } => {
                let tree = OpenTreeFlags::OPEN_TREE_CLONE
                    | OpenTreeFlags::OPEN_TREE_CLOEXEC
                    | OpenTreeFlags::AT_EMPTY_PATH;
                // It may have gone meanwhile, or never could be reached.
                open_pipe_or_socket(path)
                    .and_then(|found| Ok(rustix::mount::open_tree(&found, c"", tree)?))
                    .ok()
            }
        };
    }
    let plain = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOATIME;
    rustix::mount::mount(c"groundhog", folders.base.as_c_str(), c"tmpfs", plain, folders.tmpfs.as_c_str())?;
    if let Some((folder, _)) = &folders.shared_memory {
        make_folder(folder, 0o1777)?;
        sides[found] = Some(open_folder(folder)?);
        found += 1;
    }
    let mut at = found;
    // What is written, while it can still be named.
    for mount in &folders.mounts {
        if let Mount::Private { upper, work, mode, .. } = mount {
            make_folder(upper, *mode)?;
            make_folder(work, 0o700)?;
            sides[found] = Some(open_folder(upper)?);
            found += 2;
        }
    }
    for (source, mount) in sources.iter().zip(&folders.mounts) {
        match (mount, source) {
            (Mount::Private { .. }, None) => return Err(Errno(libc::EBADF)),
            (Mount::Again { .. }, None) => {}
            (Mount::Private { path, options, .. }, Some(source)) => {
                rustix::process::fchdir(source)?; // which is its `lowerdir=.`
                rustix::mount::mount(c"groundhog", path.as_c_str(), c"overlay", plain, options.as_c_str())?;
            }
            (Mount::Again { path }, Some(source)) => show_again(source, path)?,
        }
    }
    if let Some((folder, place)) = &folders.shared_memory {
        rustix::mount::mount_bind(folder.as_c_str(), place.as_c_str())?;
    }
    rustix::process::chdir(c"/")?;
    for folder in &folders.written {
        // The first file made in a folder has the overlay copy the folder, which takes room for good. A file without a name
        // does that as well and leaves nothing. Where none can be made, this is left to the function.
        let _ = rustix::fs::open(
            folder,
            OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC,
            Mode::RUSR | Mode::WUSR,
        );
    }
    for mount in &folders.mounts {
        if let Mount::Private { path, .. } = mount {
            sides[at + 1] = Some(open_folder(path)?);
            at += 2;
        }
    }
    send(folders.hand.as_fd(), &sides, found)
}

fn make_folder(path: &CStr, mode: u32) -> Result<()> {
    rustix::fs::mkdir(path, Mode::RWXU)?;
    Ok(rustix::fs::chmod(path, Mode::from_raw_mode(mode))?) // whatever the umask
}

fn open_folder(path: &CStr) -> Result<OwnedFd> {
    Ok(rustix::fs::open(path, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Shows a pipe or socket in its place, unless it has gone meanwhile.
fn show_again(source: &OwnedFd, path: &CStr) -> Result<()> {
    let Ok(place) = open_pipe_or_socket(path) else { return Ok(()) };
    let by_descriptors = MoveMountFlags::MOVE_MOUNT_F_EMPTY_PATH | MoveMountFlags::MOVE_MOUNT_T_EMPTY_PATH;
    match rustix::mount::move_mount(source, c"", &place, c"", by_descriptors) {
        Err(rustix::io::Errno::NOENT) => Ok(()), // removed since
        moved => Ok(moved?),
    }
}

/// Its name is in a folder where others may exchange files and folders at any time, also for symbolic links: what they put there must
/// not come to lie over a file elsewhere.
fn open_pipe_or_socket(path: &CStr) -> Result<OwnedFd> {
    let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let found = rustix::fs::openat2(rustix::fs::CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS)?;
    match FileType::from_raw_mode(rustix::fs::fstat(&found)?.st_mode) {
        FileType::Fifo | FileType::Socket => Ok(found),
        _ => Err(Errno(libc::ENOENT)),
    }
}

fn write(path: &CStr, text: &CStr) -> Result<()> {
    let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, text.to_bytes())?;
    Ok(())
}

/// Every mount there is.
fn make_read_only() -> Result<()> {
    let attributes =
        libc::mount_attr { attr_set: libc::MOUNT_ATTR_RDONLY, attr_clr: 0, propagation: 0, userns_fd: 0 };
    // SAFETY: mount_setattr(2) reads `size` bytes of a structure that lives here.
    check(unsafe {
        libc::syscall(
            libc::SYS_mount_setattr,
            libc::AT_FDCWD,
            c"/".as_ptr(),
            libc::AT_RECURSIVE,
            &raw const attributes,
            size_of_val(&attributes),
        )
    })?;
    Ok(())
}

/// Mounts terminals of its own over those of others: a terminal is open to all of its user's processes.
fn hide_terminals(place: &CStr) -> Result<()> {
    use rustix::io::Errno as Refused;
    // Read-only, so that nobody sets attributes of their folder; they can be written to all the same.
    let flags = MountFlags::NOSUID | MountFlags::NOEXEC | MountFlags::NOATIME | MountFlags::RDONLY;
    match rustix::mount::mount(c"groundhog", place, c"devpts", flags, c"mode=0600,ptmxmode=0666") {
        // The device that makes terminals may be one of theirs, by a mount.
        Err(Refused::NOTDIR) if place == c"/dev/ptmx" => {
            Ok(rustix::mount::mount_bind(c"/dev/pts/ptmx", place)?)
        }
        // A terminal, such as the console of a container. What stands in its place in a private folder is none.
        Err(Refused::NOTDIR) => {
            let kind = FileType::from_raw_mode(rustix::fs::stat(place)?.st_mode);
            if kind == FileType::CharacterDevice {
                rustix::mount::mount_bind(c"/dev/null", place)?;
            }
            Ok(())
        }
        Err(Refused::NOENT | Refused::ACCESS) => Ok(()), // it cannot be reached
        mounted => Ok(mounted?),
    }
}

/// All of them, for ever.
fn drop_capabilities() -> Result<()> {
    const MOST: u32 = 63;
    for capability in 0..=MOST {
        let one = CapabilitySet::from_bits_retain(1 << capability);
        // EINVAL: there are no more. EPERM: none can be had anyway, for want of CAP_SETPCAP and with no_new_privs.
        if rustix::thread::remove_capability_from_bounding_set(one).is_err() {
            break;
        }
    }
    let none = CapabilitySet::empty();
    Ok(rustix::thread::set_capabilities(
        None,
        CapabilitySets { effective: none, permitted: none, inheritable: none },
    )?)
}

fn send(hand: BorrowedFd<'_>, sides: &[Option<OwnedFd>; MAX_SENT], count: usize) -> Result<()> {
    let mut borrowed: [BorrowedFd<'_>; MAX_SENT] = [hand; MAX_SENT];
    for (place, side) in borrowed.iter_mut().zip(sides.iter().take(count)) {
        *place = side.as_ref().ok_or(Errno(libc::EBADF))?.as_fd();
    }
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SENT))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    control.push(SendAncillaryMessage::ScmRights(&borrowed[..count]));
    rustix::net::sendmsg(hand, &[IoSlice::new(&[1])], &mut control, rustix::net::SendFlags::empty())?;
    Ok(())
}

/// Our user and group, as they stand in the files that we make.
#[must_use]
pub fn ids() -> (u32, u32) {
    (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw())
}

/// As long as this lives, the calling thread has a user's rights to files, and makes files as that user.
#[derive(Debug)]
pub struct ActingAs {
    before: (u32, u32),
}

impl ActingAs {
    /// Begins to act as a user and group. For root; for anybody else it changes nothing.
    #[must_use]
    pub fn new((uid, gid): (u32, u32)) -> Self {
        // SAFETY: setfsuid(2) and setfsgid(2) take a number and set an attribute of this thread alone.
        let (gid, uid) = unsafe { (libc::setfsgid(gid), libc::setfsuid(uid)) };
        Self { before: (uid as u32, gid as u32) }
    }
}

impl Drop for ActingAs {
    fn drop(&mut self) {
        let (uid, gid) = self.before;
        // SAFETY: as in `new`; back to what the kernel named as the former ones.
        unsafe {
            libc::setfsuid(uid);
            libc::setfsgid(gid);
        }
    }
}

/// A pair of sockets: the child's, for [`Folders::hand`], and ours.
///
/// # Errors
/// As socketpair(2).
pub fn hands() -> Result<(OwnedFd, OwnedFd)> {
    use rustix::net::{AddressFamily, SocketFlags, SocketType};
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, SocketFlags::CLOEXEC, None)?)
}

/// What a child that entered its jail has sent. Does not wait.
///
/// # Errors
/// `EAGAIN` when nothing was sent, `EPROTO` when it is not what a jail sends.
pub fn receive(hand: &OwnedFd, own_network: bool, shared_memory: bool) -> Result<Received> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_SENT))];
    let mut control = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    let flags = RecvFlags::CMSG_CLOEXEC | RecvFlags::DONTWAIT;
    rustix::net::recvmsg(hand, &mut [IoSliceMut::new(&mut byte)], &mut control, flags)?;
    let mut received: Vec<OwnedFd> = Vec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(descriptors) = message {
            received.extend(descriptors);
        }
    }
    let mut received = received.into_iter();
    let mut next = || received.next().ok_or(Errno(libc::EPROTO));
    let sock_diag = own_network.then(&mut next).transpose()?;
    let callers = if own_network { vec![next()?, next()?] } else { Vec::new() };
    let shared_memory = shared_memory.then(&mut next).transpose()?;
    let mut sides = Vec::new();
    while let Some(written) = received.next() {
        let merged = received.next().ok_or(Errno(libc::EPROTO))?;
        sides.push(Sides { merged, written });
    }
    Ok(Received { sock_diag, callers, shared_memory, sides })
}

/// Tries a jail in a child, which makes a file `inside`, and fails to make one `outside`.
///
/// # Errors
/// Of whichever step was refused; `EIO` when the latter was not.
pub fn try_out(jail: &Jail, inside: &CStr, outside: &CStr) -> Result<()> {
    let create = |path: &CStr| {
        let flags = OFlags::CREATE | OFlags::EXCL | OFlags::WRONLY | OFlags::CLOEXEC;
        rustix::fs::open(path, flags, Mode::RUSR | Mode::WUSR).map_err(Errno::from)
    };
    in_a_child(|| {
        enter(jail)?;
        create(inside)?;
        if create(outside).is_ok() { Err(Errno(libc::EIO)) } else { Ok(()) }
    })
}

/// Tries in a child whether a ruleset keeps signals and connections to abstract sockets from us, its parent.
///
/// # Errors
/// Of whichever step was refused; `EIO` when the child reached us.
pub fn try_scopes(ruleset: OwnedFd) -> Result<()> {
    use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType};
    let jail = Jail { ruleset: Some(ruleset), ..Jail::default() };
    let us = rustix::process::getpid();
    let name = format!("groundhog-scopes-{}-{:?}", us.as_raw_nonzero(), std::thread::current().id());
    let address = SocketAddrUnix::new_abstract_name(name.as_bytes())?;
    let socket =
        || rustix::net::socket_with(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None);
    let listener = socket()?;
    rustix::net::bind(&listener, &address)?;
    rustix::net::listen(&listener, 1)?;
    in_a_child(|| {
        enter(&jail)?;
        let reached = [
            rustix::process::test_kill_process(us), // no signal is sent, only the right to is looked at
            rustix::net::connect(&socket()?, &address),
        ];
        if reached == [Err(rustix::io::Errno::PERM); 2] { Ok(()) } else { Err(Errno(libc::EIO)) }
    })
}

/// Runs something in a child, which must make system calls only, and ends with its error.
fn in_a_child(body: impl FnOnce() -> Result<()>) -> Result<()> {
    // SAFETY: the child makes system calls only and ends with _exit (signal-safety(7)).
    let child = check(i64::from(unsafe { libc::fork() }))?;
    if child == 0 {
        let code = body().map_or_else(|errno| errno.0, |()| 0);
        // SAFETY: ends the child without running anything of the parent's.
        unsafe { libc::_exit(code) };
    }
    match crate::self_test::wait_for(Tid(i32::try_from(child).unwrap_or(-1)))? {
        0 => Ok(()),
        code => Err(Errno(code)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::net::UnixListener;

    #[test]
    fn only_a_pipe_or_socket_itself_is_shown_again() {
        let folder = std::env::temp_dir().join(format!("groundhog-again-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("real")).unwrap();
        std::os::unix::fs::symlink("real", folder.join("link")).unwrap();
        let _listener = UnixListener::bind(folder.join("real/socket")).unwrap();
        std::os::unix::fs::symlink("socket", folder.join("real/alias")).unwrap();
        rustix::fs::mknodat(rustix::fs::CWD, folder.join("real/pipe"), FileType::Fifo, Mode::RWXU, 0)
            .unwrap();
        std::fs::write(folder.join("real/file"), "").unwrap();
        let names =
            ["real/socket", "real/pipe", "real", "real/file", "real/alias", "link/socket", "real/none"];
        let is_shown = |name: &&str| {
            let path = CString::new(folder.join(name).as_os_str().as_bytes()).unwrap();
            open_pipe_or_socket(&path).is_ok()
        };
        let shown: Vec<_> = names.into_iter().filter(is_shown).collect();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(shown, ["real/socket", "real/pipe"]);
    }
}
