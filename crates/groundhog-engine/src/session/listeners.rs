//! Where a process listens for connections, and who may come: for servers that are asked by connecting to them.

use crate::duplicate::Duplicate;
use crate::error::{Error, Reason, Result};
use groundhog_sys::{Errno, Tid, fcntl, socket, socket_filter};
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

const TCP: i32 = 6; // IPPROTO_TCP

/// What a process has open by connections and for them.
struct Sockets {
    listeners: Vec<(Duplicate, SocketAddr)>,
    /// The own addresses of connections.
    connected: Vec<SocketAddr>,
}

/// Where it listens by TCP.
pub(super) fn addresses(pid: Tid, pidfd: &OwnedFd) -> Result<Vec<SocketAddr>> {
    Ok(Sockets::of(pid, pidfd)?.listeners.into_iter().map(|(_, address)| address).collect())
}

/// Lets nobody connect to it but from one address and port. Refused when somebody has come before.
pub(super) fn admit_only(pid: Tid, pidfd: &OwnedFd, peer: &SocketAddr) -> Result<()> {
    let failed = |what| move |errno| Error::System { pid, what, errno };
    for (listener, _) in Sockets::of(pid, pidfd)?.listeners {
        socket_filter::admit_only(&listener, peer).map_err(failed("guarding where it listens"))?;
    }
    // Who came before shows from now on: as a connection, or as one that waits.
    let Sockets { listeners, connected } = Sockets::of(pid, pidfd)?;
    let waiting = fcntl::readable(listeners.iter().map(|(listener, _)| listener));
    let waiting = waiting.map_err(failed("looking at where it listens"))?.contains(&true);
    let is_served = |port: u16| listeners.iter().any(|(_, address)| address.port() == port);
    if waiting || connected.iter().any(|own| is_served(own.port())) {
        let message = "somebody else has connected to it before it was ready: start it again".into();
        return Err(Error::SnapshotRefused { pid, reason: Reason::DescriptorKind, message });
    }
    Ok(())
}

impl Sockets {
    fn of(pid: Tid, pidfd: &OwnedFd) -> Result<Self> {
        let failed = |errno| Error::System { pid, what: "looking at what it has open", errno };
        let of_io = |error: std::io::Error| failed(Errno(error.raw_os_error().unwrap_or(0)));
        let mut found = Self { listeners: Vec::new(), connected: Vec::new() };
        for entry in std::fs::read_dir(format!("/proc/{pid}/fd")).map_err(of_io)? {
            let entry = entry.map_err(of_io)?;
            let is_socket = std::fs::read_link(entry.path())
                .is_ok_and(|target| target.to_string_lossy().starts_with("socket:"));
            let number = entry.file_name().to_str().and_then(|name| name.parse().ok());
            let Some(number) = number.filter(|_| is_socket) else { continue };
            // It runs, and may have closed it again.
            let Ok(duplicate) = Duplicate::of(pidfd, number) else { continue };
            let Ok(made) = socket::made(&duplicate) else { continue };
            let own = socket::own_address(&duplicate).ok().and_then(|own| own.internet());
            let Some(own) = own.filter(|_| made.protocol == TCP) else { continue };
            if made.listens {
                found.listeners.push((duplicate, own));
            } else if socket::peer_address(&duplicate).is_ok() {
                found.connected.push(own);
            }
        }
        Ok(found)
    }
}
