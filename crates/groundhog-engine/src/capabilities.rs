//! What this machine allows, found out once, by trying.

use crate::jail::{self, Means};
use crate::tracking::Strategy;
use groundhog_sys::{Errno, self_test};
use std::sync::OnceLock;

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

const TRIALS: [Trial; 8] = [
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
];

/// Tries everything, the first time; remembers the answers.
pub fn capabilities() -> &'static Capabilities {
    static FOUND: OnceLock<Capabilities> = OnceLock::new();
    FOUND.get_or_init(|| {
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

impl Capabilities {
    fn finding(&self, name: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.name == name)
    }

    fn works(&self, name: &str) -> bool {
        self.finding(name).is_some_and(|finding| finding.works)
    }

    /// The first thing that nothing can be done without and that does not work.
    #[must_use]
    pub fn missing_essential(&self) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.essential && !finding.works)
    }

    /// The best strategy that works here.
    #[must_use]
    pub fn preferred(&self) -> Strategy {
        Strategy::ALL.into_iter().find(|strategy| self.refusal(*strategy).is_none()).unwrap_or(Strategy::Copy)
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
