//! What this machine allows, found out once, by trying.

use crate::error::{Error, Result};
use crate::files::jail::{self, Means};
use crate::strategy::Strategy;
use groundhog_sys::forking::Found;
use groundhog_sys::{Errno, self_test, sock_diag, socket_filter};

/// Names in this variable, separated by commas, count as not working: to try every fallback anywhere.
const WITHOUT: &str = "GROUNDHOG_WITHOUT";

/// One thing that was tried.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// What it is.
    pub name: &'static str,
    /// Whether it works.
    pub works: bool,
    /// What was seen.
    pub detail: String,
    /// What to do about it if it does not work.
    pub remedy: &'static str,
    /// Nothing can be done without it.
    pub essential: bool,
}

/// All of it.
#[derive(Clone, Debug)]
pub struct Capabilities {
    /// `uname -r`
    pub kernel: String,
    /// What was tried.
    pub findings: Vec<Finding>,
}

/// A thing to try.
struct Trial {
    name: &'static str,
    remedy: &'static str,
    essential: bool,
    run: fn() -> groundhog_sys::Result<()>,
}

const WRITE_PROTECT: &str = "write-protect";
const SOFT_DIRTY: &str = "soft-dirty";
const NAMESPACES: &str = "namespaces";
const NETWORK_NAMESPACE: &str = "network-namespace";
const LANDLOCK: &str = "landlock";
const SCOPING: &str = "scoping";
const UNIX_DIAG: &str = "unix-diag";
const SERVER_GUARD: &str = "server-guard";
const HUGE_PAGES: &str = "huge-pages";

const TRIALS: [Trial; 12] = [
    Trial {
        name: "ptrace",
        remedy: "allow ptrace: set kernel.yama.ptrace_scope to 0 or 1, and in a container add ptrace to its seccomp \
                 profile",
        essential: true,
        run: self_test::trace_child,
    },
    Trial {
        name: "inspection",
        remedy: "in a container allow pidfd_getfd and kcmp in its seccomp profile (packaging/container/seccomp.json \
                 does), and use a kernel built with CONFIG_KCMP",
        essential: true,
        run: self_test::inspection,
    },
    Trial {
        name: "call-watching",
        remedy: "allow seccomp, and have nobody answer system calls for the kernel, who could let them through unseen (EBUSY): in \
                 LXD set security.syscalls.intercept.* to false, elsewhere use a seccomp profile without SCMP_ACT_NOTIFY, and \
                 no runtime that emulates calls by it",
        essential: true,
        run: self_test::calls_are_told,
    },
    Trial {
        name: WRITE_PROTECT,
        remedy: "use Linux 6.7 or newer, and in a container allow userfaultfd in its seccomp profile \
                 (packaging/container/seccomp.json does)",
        essential: false,
        run: self_test::write_protect_async,
    },
    Trial {
        name: SOFT_DIRTY,
        remedy: "use a kernel built with CONFIG_MEM_SOFT_DIRTY, such as a distribution's",
        essential: false,
        run: self_test::soft_dirty,
    },
    Trial {
        name: NAMESPACES,
        remedy: "allow unprivileged user namespaces: set user.max_user_namespaces above 0 and \
                 kernel.apparmor_restrict_unprivileged_userns to 0, in a container allow unshare and mount in its seccomp \
                 profile, and use Linux 5.12 or newer with overlayfs",
        essential: false,
        run: || jail::try_out(Means::Namespace, false),
    },
    Trial {
        name: NETWORK_NAMESPACE,
        remedy: "allow user namespaces (above) and in them network namespaces: set user.max_net_namespaces above 0, and in \
                 a container leave /proc/sys writable (docker: --security-opt systempaths=unconfined, Kubernetes: \
                 procMount: Unmasked)",
        essential: false,
        run: || jail::try_out(Means::Namespace, true),
    },
    Trial {
        name: LANDLOCK,
        remedy: "use Linux 6.2 or newer with landlock among its security modules (lsm=), and in a container allow its \
                 calls in the seccomp profile",
        essential: false,
        run: || jail::try_out(Means::Landlock, false),
    },
    Trial {
        name: SCOPING,
        remedy: "use Linux 6.12 or newer with landlock among its security modules (lsm=), and in a container allow its \
                 calls in the seccomp profile; until then functions in a jail can send signals to processes of the same \
                 user outside, and connect to abstract sockets: run those that do not trust each other as different \
                 users (--uid), or in different containers",
        essential: false,
        run: jail::try_out_scopes,
    },
    Trial {
        name: UNIX_DIAG,
        remedy: "load the kernel module unix_diag (modprobe unix_diag), and in a container allow netlink sockets; until \
                 then the other end of a Unix socket is told by its inode number, and where that leaves a doubt, a process \
                 that uses the socket is retired",
        essential: false,
        run: sock_diag::try_out,
    },
    Trial {
        name: SERVER_GUARD,
        remedy: "give groundhog the capability CAP_NET_ADMIN, as root has it; until then serve servers of HTTP with \
                 --network none",
        essential: false,
        run: socket_filter::try_out,
    },
    Trial {
        name: HUGE_PAGES,
        remedy: "use Linux 6.1 or newer built with CONFIG_TRANSPARENT_HUGEPAGE; until then a restore of a function with large \
                 memory looks at each of its pages, 0.8 ms a GiB",
        essential: false,
        run: self_test::huge_pages,
    },
];

/// Tries everything, the first time; remembers the answers.
pub fn capabilities() -> &'static Capabilities {
    static FOUND: Found<Capabilities> = Found::new();
    FOUND.or(|| {
        let without = std::env::var(WITHOUT).unwrap_or_default();
        let off: Vec<&str> = without.split(',').map(str::trim).collect();
        Capabilities {
            kernel: self_test::kernel_release(),
            findings: TRIALS.iter().map(|trial| attempt(trial, off.contains(&trial.name))).collect(),
        }
    })
}

fn attempt(trial: &Trial, off: bool) -> Finding {
    let Trial { name, remedy, essential, run } = *trial;
    let (works, detail) = if off {
        (false, format!("switched off by {WITHOUT}"))
    } else {
        match run() {
            Ok(()) => (true, "works".to_owned()),
            Err(Errno(5)) => (false, "is there, but its answers are wrong".to_owned()),
            Err(errno) => (false, errno.to_string()),
        }
    };
    Finding { name, works, detail, remedy, essential }
}

/// What a function can do to the files of its own process under `/proc`, `clear_refs` above all: writing there makes the
/// kernel forget which pages it wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// It can read them: it is in a jail.
    Reads,
    /// It can write them, and is trusted not to: in tests and benchmarks.
    Trusted,
    /// It can write them.
    Writes,
}

impl Reach {
    /// Of a function with or without a jail.
    #[must_use]
    pub fn of(jailed: bool, trusted: bool) -> Self {
        match (jailed, trusted) {
            (true, _) => Self::Reads,
            (false, true) => Self::Trusted,
            (false, false) => Self::Writes,
        }
    }

    fn undoes(self, strategy: Strategy) -> bool {
        strategy == Strategy::SoftDirty && self == Self::Writes
    }
}

impl Capabilities {
    fn finding(&self, name: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.name == name)
    }

    fn works(&self, name: &str) -> bool {
        self.finding(name).is_some_and(|finding| finding.works)
    }

    /// Whether the kernel says which socket a Unix socket is connected to.
    pub(crate) fn tells_unix_peers(&self) -> bool {
        self.works(UNIX_DIAG)
    }

    /// Whether a server on the machine's network can be kept to its supervisor.
    pub(super) fn guards_servers(&self) -> bool {
        self.works(SERVER_GUARD)
    }

    /// Whether large memory can be put together in huge pages.
    pub(super) fn has_huge_pages(&self) -> bool {
        self.works(HUGE_PAGES)
    }

    /// The first thing that nothing can be done without and that does not work.
    #[must_use]
    pub fn missing_essential(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.essential && !finding.works)
    }

    /// The best strategy that works here, and that the function cannot undo.
    #[must_use]
    pub fn preferred(&self, reach: Reach) -> Strategy {
        let fits = |strategy: &Strategy| self.refusal(*strategy).is_none() && !reach.undoes(*strategy);
        Strategy::ALL.into_iter().find(fits).unwrap_or(Strategy::Copy)
    }

    /// The strategy for a function: the one that was asked for, or the best.
    ///
    /// # Errors
    /// [`Error::Unusable`] when this machine lacks what none can do without, [`Error::Unsupported`] when it does not allow
    /// this one, [`Error::Undone`] when the function could undo it.
    pub fn choose(&self, wanted: Option<Strategy>, reach: Reach) -> Result<Strategy> {
        if let Some(finding) = self.missing_essential() {
            let why = format!("{}; {}", finding.detail, finding.remedy);
            return Err(Error::Unusable { name: finding.name, why });
        }
        let Some(strategy) = wanted else { return Ok(self.preferred(reach)) };
        match self.refusal(strategy) {
            Some(why) => Err(Error::Unsupported { strategy: strategy.to_string(), why }),
            None if reach.undoes(strategy) => Err(Error::Undone { strategy: strategy.name() }),
            None => Ok(strategy),
        }
    }

    /// The best jail that works here, if one does.
    #[must_use]
    pub fn preferred_jail(&self) -> Option<Means> {
        [Means::Namespace, Means::Landlock].into_iter().find(|means| self.jail_refusal(*means).is_none())
    }

    /// Why a jail does not work here; `None` if it does.
    #[must_use]
    pub fn jail_refusal(&self, means: Means) -> Option<String> {
        let needed = match means {
            Means::Namespace => NAMESPACES,
            Means::Landlock => LANDLOCK,
        };
        let finding = self.finding(needed)?;
        (!finding.works).then(|| format!("{needed}: {}; {}", finding.detail, finding.remedy))
    }

    /// Why a process cannot have a network of its own here; `None` if it can.
    #[must_use]
    pub fn own_network_refusal(&self) -> Option<String> {
        let finding = self.finding(NETWORK_NAMESPACE)?;
        (!finding.works).then(|| format!("{NETWORK_NAMESPACE}: {}; {}", finding.detail, finding.remedy))
    }

    /// Why a strategy does not work here; `None` if it does.
    #[must_use]
    pub fn refusal(&self, strategy: Strategy) -> Option<String> {
        let needed = match strategy {
            Strategy::Hot | Strategy::Classic => WRITE_PROTECT,
            Strategy::SoftDirty => SOFT_DIRTY,
            Strategy::Copy => return None,
        };
        if self.works(needed) {
            return None;
        }
        let finding = self.finding(needed)?;
        Some(format!("{needed} tracking: {}; {}", finding.detail, finding.remedy))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine(working: &[&'static str]) -> Capabilities {
        let finding = |trial: &Trial| Finding {
            name: trial.name,
            works: working.contains(&trial.name),
            detail: "not here".into(),
            remedy: "get it",
            essential: trial.essential,
        };
        Capabilities { kernel: "6.1".into(), findings: TRIALS.iter().map(finding).collect() }
    }

    const USABLE: [&str; 3] = ["ptrace", "inspection", "call-watching"];

    #[test]
    fn soft_dirty_counts_only_where_it_cannot_be_undone() {
        let older = machine(&[&USABLE[..], &[SOFT_DIRTY]].concat());
        for reach in [Reach::Reads, Reach::Trusted] {
            assert_eq!(older.preferred(reach), Strategy::SoftDirty);
            assert_eq!(older.choose(Some(Strategy::SoftDirty), reach), Ok(Strategy::SoftDirty));
        }
        assert_eq!(older.preferred(Reach::Writes), Strategy::Copy);
        assert_eq!(older.choose(None, Reach::Writes), Ok(Strategy::Copy));
        let refused = older.choose(Some(Strategy::SoftDirty), Reach::Writes).expect_err("it can be undone");
        assert_eq!(
            refused.to_string(),
            "strategy soft-dirty is none for a function without a jail, which can undo it by writing to its \
             /proc/PID/clear_refs: give it a jail, or choose another strategy"
        );
    }

    #[test]
    fn no_other_strategy_can_be_undone() {
        let newer = machine(&[&USABLE[..], &[SOFT_DIRTY, WRITE_PROTECT]].concat());
        for reach in [Reach::Reads, Reach::Trusted, Reach::Writes] {
            assert_eq!(newer.preferred(reach), Strategy::Hot);
            for strategy in [Strategy::Hot, Strategy::Classic, Strategy::Copy] {
                assert_eq!(newer.choose(Some(strategy), reach), Ok(strategy));
            }
        }
    }

    #[test]
    fn what_the_machine_lacks_is_told_first() {
        let refused = machine(&USABLE).choose(Some(Strategy::SoftDirty), Reach::Writes);
        assert!(matches!(refused, Err(Error::Unsupported { .. })), "{refused:?}");
        let useless = machine(&[SOFT_DIRTY]).choose(Some(Strategy::SoftDirty), Reach::Reads);
        assert!(matches!(useless, Err(Error::Unusable { name: "ptrace", .. })), "{useless:?}");
    }

    #[test]
    fn only_a_jail_or_trust_keeps_from_it() {
        assert_eq!(Reach::of(true, false), Reach::Reads);
        assert_eq!(Reach::of(true, true), Reach::Reads);
        assert_eq!(Reach::of(false, true), Reach::Trusted);
        assert_eq!(Reach::of(false, false), Reach::Writes);
    }
}
