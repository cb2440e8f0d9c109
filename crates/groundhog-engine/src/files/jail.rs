//! The jail of a function process: where it may write, and who it is.
//!
//! By namespaces: every file it writes goes to a tmpfs of its own, laid over the folders that are given; all others are
//! read-only; no other process of its user can be reached through `/proc`. By Landlock, where namespaces are refused: it
//! writes in the given folders only, which are made for it. The mechanism is in `groundhog_sys::jail`.

use crate::error::Error;
use crate::files::mounts::Mounts;
use crate::files::{Private, from_io};
use groundhog_proc::unix_sockets;
use groundhog_sys::jail::{self, ActingAs, Folders, MAX_MOUNTS, Mount};
use groundhog_sys::landlock::version as landlock_version;
use groundhog_sys::{Errno, Result};
use landlock::{
    ABI, Access, AccessFs, CompatLevel, Compatible, PathBeneath, PathFd, Ruleset, RulesetAttr,
    RulesetCreatedAttr, Scope,
};
use std::collections::BTreeSet;
use std::ffi::{CString, OsStr};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

/// By what a process is shut in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// User, mount and IPC namespaces.
    Namespace,
    /// Landlock.
    Landlock,
}

impl Means {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Namespace => "namespace",
            Self::Landlock => "landlock",
        }
    }
}

/// A jail that was asked for.
#[derive(Clone, Debug)]
pub struct JailOptions {
    /// By what.
    pub means: Means,
    /// The folders in which it may write. By namespaces those that are no folders here are left out, and those below which
    /// something is mounted ([`crate::mounted_below`]); by Landlock they must be the process's alone.
    pub private: Vec<PathBuf>,
    /// Most bytes and files that it may have written at any time; by namespaces only.
    pub most: (u64, u64),
    /// A network of its own, with a loopback interface and no other; by namespaces only.
    pub own_network: bool,
}

/// A jail that is ready to be entered, and what is needed to revert its files.
#[derive(Debug)]
pub(crate) struct Prepared {
    jail: Option<jail::Jail>,
    by: By,
}

/// How to come by the private folders of a process that has entered its jail.
#[derive(Debug)]
pub(crate) enum By {
    Nothing,
    Namespace { ours: OwnedFd, own_network: bool, shared_memory: bool, private: Vec<PathBuf> },
    Landlock { private: Vec<PathBuf> },
}

/// What a process that has entered its jail lets us have.
#[derive(Debug, Default)]
pub(crate) struct Entered {
    /// There is one, also if it has no such folder.
    pub(crate) is_jailed: bool,
    /// The folders in which it may write.
    pub(crate) private: Vec<Private>,
    /// Who is asked about the sockets of its network, if it has one of its own.
    pub(crate) sock_diag: Option<OwnedFd>,
    /// Sockets that may connect to what listens there.
    pub(crate) callers: Vec<OwnedFd>,
}

/// Most pipes and sockets that are shown in private folders.
const MAX_SOCKETS: usize = MAX_MOUNTS / 2;
/// Most names of a folder that are tried.
const MAX_TAKEN: usize = 16;
const SHARED_MEMORY: &str = "/dev/shm";

/// What the kernel shows at these places is not stored anywhere.
const NOT_STORED: [&str; 3] = ["/proc", "/sys", "/dev"];

/// Prepares what a child needs to shut itself in. `ids`: user and group to become.
pub(crate) fn prepare(
    options: Option<&JailOptions>,
    ids: Option<(u32, u32)>,
) -> std::result::Result<Prepared, Error> {
    let failed = |errno: Errno| Error::Jail { why: errno.to_string(), errno };
    let refused = |error: Refusal| Error::Jail { why: error.to_string(), errno: errno_of(&*error) };
    if options.is_none() && ids.is_none() {
        return Ok(Prepared { jail: None, by: By::Nothing });
    }
    let mut jail = jail::Jail { ids, ..jail::Jail::default() };
    let by = match options {
        None => By::Nothing,
        Some(options) if options.means == Means::Namespace => {
            let (folders, ours, private) = folders(options, ids).map_err(failed)?;
            let (own_network, shared_memory) = (folders.own_network, folders.shared_memory.is_some());
            jail.folders = Some(folders);
            // Signals and sockets by name know no such namespaces.
            if has_scopes().map_err(failed)? {
                jail.ruleset = Some(ruleset(None, true).map_err(refused)?);
            }
            By::Namespace { ours, own_network, shared_memory, private }
        }
        Some(options) if options.own_network => {
            let why = "only a jail by namespaces can have a network of its own".to_owned();
            return Err(Error::Jail { why, errno: Errno(95) });
        }
        Some(options) => {
            let scopes = has_scopes().map_err(failed)?;
            jail.ruleset = Some(ruleset(Some(&options.private), scopes).map_err(refused)?);
            By::Landlock { private: options.private.clone() }
        }
    };
    Ok(Prepared { jail: Some(jail), by })
}

impl Prepared {
    /// What the child needs, and what we do.
    pub(crate) fn into_parts(self) -> (Option<jail::Jail>, By) {
        (self.jail, self.by)
    }
}

impl By {
    /// What we need of the child, once it has entered.
    pub(crate) fn entered(self) -> Result<Entered> {
        match self {
            Self::Nothing => Ok(Entered::default()),
            Self::Landlock { private } => {
                let private = private.iter().map(|path| Private::plain(path)).collect::<Result<_>>()?;
                Ok(Entered { is_jailed: true, private, ..Entered::default() })
            }
            Self::Namespace { ours, own_network, shared_memory, private } => {
                let received = jail::receive(&ours, own_network, shared_memory)?;
                if received.sides.len() != private.len() {
                    return Err(Errno(71)); // EPROTO
                }
                let mut folders = Vec::new();
                for (path, sides) in private.into_iter().zip(received.sides) {
                    folders.push(Private::overlay(path, sides)?);
                }
                if let Some(memory) = received.shared_memory {
                    folders.push(Private::alone(PathBuf::from(SHARED_MEMORY), memory)?);
                }
                Ok(Entered {
                    is_jailed: true,
                    private: folders,
                    sock_diag: received.sock_diag,
                    callers: received.callers,
                })
            }
        }
    }
}

/// Tries whether a jail of this kind can be made: in it a file can be made in a private folder, and nowhere else. One with
/// a network of its own has a loopback interface.
pub(crate) fn try_out(means: Means, own_network: bool) -> Result<()> {
    let scratch = new_folder()?;
    let tried = try_in(means, own_network, &scratch);
    let _it_is_empty = std::fs::remove_dir_all(&scratch);
    tried
}

/// Makes a folder that nobody else has, or can write in: who had made it could decide what works here. Private folders
/// cannot lie where nothing is stored, which the folder for temporary files may be.
fn new_folder() -> Result<PathBuf> {
    static MADE: AtomicU32 = AtomicU32::new(0);
    let mut failed = Errno(2); // ENOENT
    for place in existing(&[std::env::temp_dir(), PathBuf::from("/tmp"), PathBuf::from("/var/tmp")]) {
        for _ in 0..MAX_TAKEN {
            let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_nanos();
            let number = MADE.fetch_add(1, Ordering::Relaxed);
            let folder = place.join(format!("groundhog-jail-{}-{number}-{now:x}", std::process::id()));
            match std::fs::DirBuilder::new().mode(0o700).create(&folder) {
                Ok(()) => return Ok(folder),
                Err(error) => failed = from_io(error),
            }
            if failed != Errno(17) {
                break; // but for EEXIST, another name is no better
            }
        }
    }
    Err(failed)
}

fn try_in(means: Means, own_network: bool, scratch: &Path) -> Result<()> {
    let private = scratch.join("private");
    std::fs::create_dir_all(&private).map_err(from_io)?;
    let options = JailOptions { means, private: vec![private.clone()], most: (1 << 20, 100), own_network };
    let prepared = prepare(Some(&options), None).map_err(|error| match error {
        Error::Jail { errno, .. } => errno,
        _ => Errno(5),
    })?;
    let jail = prepared.jail.unwrap_or_default();
    let inside = text_of(&private.join("file"))?;
    jail::try_out(&jail, &inside, &text_of(&scratch.join("file"))?)?;
    // By namespaces it went to another place.
    if means == Means::Namespace && private.join("file").exists() { Err(Errno(5)) } else { Ok(()) }
}

/// The mounts of a jail by namespaces, our end of its hand, and the private folders in the order of their mounts.
fn folders(options: &JailOptions, ids: Option<(u32, u32)>) -> Result<(Folders, OwnedFd, Vec<PathBuf>)> {
    let mounts_now = Mounts::now()?;
    let mut usable = {
        let _user = ids.map(ActingAs::new);
        existing(&options.private)
    };
    usable.retain(|folder| mounts_now.below(folder).is_none());
    let plan = plan(&usable, pipes_and_sockets(&usable, &options.private));
    if plan.len() > MAX_MOUNTS {
        return Err(Errno(7)); // E2BIG
    }
    let has_memory = Path::new(SHARED_MEMORY).is_dir();
    let base = if has_memory {
        PathBuf::from(SHARED_MEMORY)
    } else {
        plan.first().ok_or(Errno(2))?.path().to_owned()
    };
    let mut mounts = Vec::new();
    let mut private = Vec::new();
    for (number, place) in plan.iter().enumerate() {
        let path = text_of(place.path())?;
        mounts.push(match place {
            Place::Again(_) => Mount::Again { path },
            Place::Private(folder) => {
                private.push(folder.clone());
                let upper = base.join(format!("{number}"));
                let work = base.join(format!("{number}.work"));
                // A colon or comma in them would end the option: these have none, as `base` has not.
                let options =
                    format!("lowerdir=.,upperdir={},workdir={},userxattr", upper.display(), work.display());
                Mount::Private {
                    path,
                    upper: text_of(&upper)?,
                    work: text_of(&work)?,
                    options: text_of(Path::new(&options))?,
                    mode: std::fs::metadata(folder).map_err(from_io)?.mode() & 0o7777,
                }
            }
        });
    }
    let (ours, hand) = jail::hands()?;
    let (uid, gid) = ids.unwrap_or_else(groundhog_sys::jail::ids);
    let (bytes, files) = options.most;
    let folders = Folders {
        uid_map: text_of(Path::new(&format!("{uid} {uid} 1")))?,
        gid_map: text_of(Path::new(&format!("{gid} {gid} 1")))?,
        base: text_of(&base)?,
        tmpfs: text_of(Path::new(&format!("size={bytes},nr_inodes={files},mode=0700")))?,
        mounts,
        written: usable.iter().map(|folder| text_of(folder)).collect::<Result<_>>()?,
        shared_memory: if has_memory {
            Some((text_of(&base.join("shm"))?, text_of(Path::new(SHARED_MEMORY))?))
        } else {
            None
        },
        terminals: mounts_now
            .terminals
            .iter()
            .collect::<BTreeSet<_>>()
            .into_iter()
            .rev() // the folder before /dev/ptmx
            .map(|point| text_of(point))
            .collect::<Result<_>>()?,
        own_network: options.own_network,
        hand,
    };
    Ok((folders, ours, private))
}

/// Those that are folders of a file system and can be entered, by their real names.
fn existing(paths: &[PathBuf]) -> Vec<PathBuf> {
    let stored =
        |path: &PathBuf| path != Path::new("/") && !NOT_STORED.iter().any(|place| path.starts_with(place));
    paths
        .iter()
        .filter_map(|path| path.canonicalize().ok())
        .filter(|path| path.join(".").is_dir() && stored(path))
        .collect()
}

/// Sockets in the folders, a database's for example, and pipes that lie directly in them. Through an overlay they would be
/// others, which nobody listens to. `asked`: what the folders are called, too.
fn pipes_and_sockets(folders: &[PathBuf], asked: &[PathBuf]) -> Vec<PathBuf> {
    use std::os::unix::fs::FileTypeExt;
    let entries = folders.iter().filter_map(|folder| std::fs::read_dir(folder).ok()).flatten().flatten();
    let pipes = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_fifo()));
    let text = std::fs::read("/proc/net/unix").unwrap_or_default();
    sockets(&text, folders, asked)
        .into_iter()
        .chain(pipes.map(|entry| entry.path()))
        .take(MAX_SOCKETS)
        .collect()
}

/// A path, which is in order among others by how deep it lies.
fn by_depth<P: AsRef<Path>>(path: P) -> (usize, P) {
    (path.as_ref().components().count(), path)
}

/// Each once, however often the table names it: whoever makes a socket can have it name others, by a newline in its own name. Those
/// that lie least deep first: functions on this machine make sockets, too, but in folders of their own. Names elsewhere are not even
/// followed: there may be any number of them, and they may lead to a server that has gone. Nor are all of those that are there: with
/// 76,000 sockets a function had each start of all others take a second.
fn sockets(text: &[u8], folders: &[PathBuf], asked: &[PathBuf]) -> Vec<PathBuf> {
    use std::os::unix::fs::FileTypeExt;
    const MAX_FOLLOWED: usize = 1000;
    let is_called_so = |path: &&Path| folders.iter().chain(asked).any(|folder| path.starts_with(folder));
    let is_there = |path: &Path| path.metadata().is_ok_and(|found| found.file_type().is_socket());
    let within = |path: &PathBuf| folders.iter().any(|folder| path.starts_with(folder)) && is_there(path);
    let named = unix_sockets::paths(text).into_iter().map(|path| Path::new(OsStr::from_bytes(path)));
    let named = named.filter(is_called_so).map(by_depth);
    let there = named.collect::<BTreeSet<_>>().into_iter().filter(|(_, path)| is_there(path));
    let real = there.take(MAX_FOLLOWED).filter_map(|(_, path)| path.canonicalize().ok()).filter(within);
    let found: BTreeSet<_> = real.map(by_depth).collect();
    found.into_iter().map(|(_, path)| path).collect()
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Place {
    Private(PathBuf),
    Again(PathBuf),
}

impl Place {
    fn path(&self) -> &Path {
        match self {
            Self::Private(path) | Self::Again(path) => path,
        }
    }
}

/// What is to be mounted, outer folders first: a private folder in another one is part of it, since nothing is mounted below those. What
/// is to be `shown` below them is the same one there.
fn plan(private: &[PathBuf], shown: Vec<PathBuf>) -> Vec<Place> {
    let mut places: Vec<Place> = Vec::new();
    for path in private.iter().collect::<BTreeSet<_>>() {
        if !places.iter().any(|place| path.starts_with(place.path())) {
            places.push(Place::Private(path.clone()));
        }
    }
    places.extend(shown.into_iter().collect::<BTreeSet<_>>().into_iter().map(Place::Again));
    places.sort_by(|a, b| a.path().cmp(b.path()));
    places
}

type Refusal = Box<dyn std::error::Error>;

/// Whether this kernel can keep signals and connections to abstract sockets within a jail (Linux 6.12). One without
/// Landlock cannot; one that refuses to tell is not taken for one that cannot.
fn has_scopes() -> Result<bool> {
    Ok(landlock_version()? >= ABI::V6 as u32)
}

/// Tries that. What is missing is told as [`Errno`] 95, "not supported".
pub(crate) fn try_out_scopes() -> Result<()> {
    if !has_scopes()? {
        return Err(Errno(95));
    }
    jail::try_scopes(ruleset(None, true).map_err(|error| errno_of(&*error))?)
}

/// What the kernel said; "not supported" where the library did not ask it.
fn errno_of(error: &(dyn std::error::Error + 'static)) -> Errno {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut told = causes.filter_map(|cause| cause.downcast_ref::<std::io::Error>()?.raw_os_error());
    Errno(told.next().unwrap_or(95))
}

/// Writes only below these, and, by `scopes`, no signal or socket by name to anybody outside; `None`: only the latter.
/// All or nothing: what the kernel does not know must not be asked of it.
fn ruleset(private: Option<&[PathBuf]>, scopes: bool) -> std::result::Result<OwnedFd, Refusal> {
    let mut ruleset = Ruleset::default().set_compatibility(CompatLevel::HardRequirement);
    if scopes {
        ruleset = ruleset.scope(Scope::from_all(ABI::V6))?;
    }
    if private.is_some() {
        // Before the third version, files could be truncated anywhere.
        ruleset = ruleset.handle_access(AccessFs::from_write(ABI::V3))?;
    }
    let mut created = ruleset.create()?;
    for path in private.unwrap_or_default() {
        created = created.add_rule(PathBeneath::new(PathFd::new(path)?, AccessFs::from_write(ABI::V3)))?;
    }
    // Devices that keep nothing.
    let devices = ["/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty"];
    for device in devices.iter().filter(|_| private.is_some()) {
        if let Ok(device) = PathFd::new(device) {
            created = created.add_rule(PathBeneath::new(device, AccessFs::WriteFile))?;
        }
    }
    let created: Option<OwnedFd> = created.into();
    created.ok_or_else(|| "the kernel made no ruleset".into())
}

fn text_of(path: &Path) -> Result<CString> {
    CString::new(path.as_os_str().as_bytes()).map_err(|_| Errno(22))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::net::UnixListener;

    #[test]
    fn a_table_of_sockets_that_names_one_many_times_leaves_room_for_others() {
        let folder = new_folder().unwrap();
        let deep = folder.join("a");
        std::fs::create_dir(&deep).unwrap();
        let [forged, theirs] = [deep.join("forged"), folder.join("theirs")];
        let _listeners = [&forged, &theirs].map(|path| UnixListener::bind(path).unwrap());
        let line = |path: &Path| format!("ffff: 00000002 00000000 00010000 0001 01 22 {}\n", path.display());
        let elsewhere = deep.join("../a/forged");
        let text = [line(&forged).repeat(MAX_SOCKETS), line(&elsewhere), line(&theirs)].concat();
        let found = sockets(text.as_bytes(), std::slice::from_ref(&folder), &[]);
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(found, [theirs, forged]);
    }
}
