//! A network namespace that was just made: its loopback interface, and what its kernel would remember of connections.

use crate::kernel_types::{Errno, Result, check};
use rustix::fs::{Mode, OFlags};
use std::ffi::CStr;
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};

/// Settings of the namespace, of ip-sysctl.rst in the kernel's documentation. Connections that have ended would be listed
/// for a minute (`TIME_WAIT`), and what was measured of them for an hour: addresses of the function's own choice, in its
/// next request's sight.
const FORGETFUL: [(&CStr, &CStr); 3] = [
    (c"/proc/sys/net/ipv4/tcp_max_tw_buckets", c"0"),
    (c"/proc/sys/net/ipv4/tcp_no_metrics_save", c"1"),
    (c"/proc/sys/net/ipv4/tcp_fastopen", c"0"),
];

/// Makes the calling thread's namespace usable: connections within it work, and leave nothing. System calls only: for a
/// child between fork and exec, as long as it has the namespace's capabilities.
///
/// # Errors
/// Of whichever call was refused: `EROFS` where `/proc/sys` is read-only, as in most containers.
pub(crate) fn begin() -> Result<()> {
    for (path, value) in FORGETFUL {
        let file = rustix::fs::open(path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, value.to_bytes())?;
    }
    raise_loopback()
}

/// As `ip link set lo up`, which gives it its addresses, too; netdevice(7).
fn raise_loopback() -> Result<()> {
    // Of any family: the calls on interfaces are common to all.
    let socket = socket(libc::AF_UNIX, libc::SOCK_DGRAM, 0)?;
    // SAFETY: all zeros are a valid `struct ifreq`, a name and a union of numbers.
    let mut interface: libc::ifreq = unsafe { std::mem::zeroed() };
    for (place, letter) in interface.ifr_name.iter_mut().zip(c"lo".to_bytes()) {
        *place = letter.cast_signed();
    }
    // SAFETY: the kernel reads and writes a `struct ifreq` that lives here.
    check(i64::from(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCGIFFLAGS, &raw mut interface) }))?;
    // SAFETY: the call above filled in this member of the union.
    unsafe { interface.ifr_ifru.ifru_flags |= libc::IFF_UP as libc::c_short };
    // SAFETY: the kernel reads a `struct ifreq` that lives here.
    check(i64::from(unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const interface) }))?;
    Ok(())
}

/// A socket of the calling thread's namespace, closed on exec.
pub(crate) fn socket(family: i32, kind: i32, protocol: i32) -> Result<OwnedFd> {
    // SAFETY: socket(2) takes three numbers.
    let number = check(i64::from(unsafe { libc::socket(family, kind | libc::SOCK_CLOEXEC, protocol) }))?;
    let number = i32::try_from(number).map_err(|_| Errno(libc::EBADF))?;
    // SAFETY: the kernel just made this descriptor, and nobody else knows it.
    Ok(unsafe { OwnedFd::from_raw_fd(number) })
}
