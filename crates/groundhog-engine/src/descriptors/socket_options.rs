//! Options of sockets of the snapshot that the policy lets a request set, since they are what they were last set to.

use super::refuse;
use super::survey::Survey;
use crate::component::{Component, Restore, Stopped};
use crate::duplicate::Duplicate;
use crate::error::{OrTrouble, Reason, Step};
use crate::syscalls::policy;
use groundhog_sys::fcntl::FileType;
use groundhog_sys::{Errno, socket};
use std::sync::Arc;

const ENOPROTOOPT: Errno = Errno(92);
const EOPNOTSUPP: Errno = Errno(95);

/// One option as it was.
#[derive(Debug)]
struct Setting {
    level: u32,
    name: u32,
    value: Vec<u8>,
}

#[derive(Debug)]
struct Socket {
    number: i32,
    duplicate: Arc<Duplicate>,
    settings: Vec<Setting>,
}

impl Socket {
    fn is_as_it_was(&self, setting: &Setting) -> bool {
        socket::option_bytes(&self.duplicate, setting.level, setting.name).as_ref() == Ok(&setting.value)
    }
}

/// All of them, by socket.
#[derive(Debug)]
pub(crate) struct SocketOptions(Vec<Socket>);

impl SocketOptions {
    /// Remembers those that a socket has.
    pub(crate) fn save(survey: &Survey) -> Step<Self> {
        let options = policy::socket_options();
        let mut sockets = Vec::new();
        for file in survey.files.iter().filter(|file| file.kind == FileType::Socket) {
            let mut settings = Vec::new();
            for (level, name) in options.iter().copied() {
                match socket::option_bytes(&file.duplicate, level, name) {
                    Err(ENOPROTOOPT | EOPNOTSUPP) => {} // its kind has no such option
                    value => settings.push(Setting {
                        level,
                        name,
                        value: value.or_trouble(Reason::Inspection, "asking for an option of a socket")?,
                    }),
                }
            }
            sockets.push(Socket { number: file.number, duplicate: Arc::clone(&file.duplicate), settings });
        }
        Ok(Self(sockets))
    }
}

impl Component for SocketOptions {
    fn revert(&mut self, restore: &mut Restore<'_>) -> Step<()> {
        if restore.sees_calls && restore.observed.socket_options.is_empty() {
            return Ok(());
        }
        for socket in &self.0 {
            for setting in &socket.settings {
                let is_timeout = restore.observed.timeouts.contains(&(socket.number, setting.name));
                if is_timeout && setting.value.iter().all(|byte| *byte == 0) {
                    // "For ever" is told like "not at all", which a time below zero sets.
                    return refuse(socket.number, "may wait for another time than at the snapshot");
                }
                if socket.is_as_it_was(setting) {
                    continue;
                }
                socket::set_option_bytes(&socket.duplicate, setting.level, setting.name, &setting.value)
                    .or_trouble(Reason::DescriptorChanged, "setting an option of a socket back")?;
                if !socket.is_as_it_was(setting) {
                    return refuse(socket.number, "has an option that cannot be set back");
                }
                restore.report.attributes_reverted += 1;
            }
        }
        Ok(())
    }

    fn difference(&mut self, _: &mut Stopped<'_>) -> Step<Option<String>> {
        for socket in &self.0 {
            if let Some(Setting { level, name, .. }) =
                socket.settings.iter().find(|setting| !socket.is_as_it_was(setting))
            {
                let what = format!("descriptor {}: option {name} of level {level} is another", socket.number);
                return Ok(Some(what));
            }
        }
        Ok(None)
    }
}
