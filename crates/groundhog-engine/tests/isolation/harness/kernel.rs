//! What the kernel that the tests run on can do.

use groundhog_engine::{Strategy, capabilities};

/// The strategies to test: those that the environment names, all of which must work, or all that work here.
pub(crate) fn strategies() -> Vec<Strategy> {
    if let Ok(names) = std::env::var("GROUNDHOG_TEST_STRATEGIES") {
        return names.split(',').map(|name| name.trim().parse().expect("a strategy's name")).collect();
    }
    let works = |strategy: &Strategy| capabilities().refusal(*strategy).is_none();
    Strategy::ALL.into_iter().filter(works).collect()
}

/// Says that a kernel interface is missing, so that a test has nothing to forbid or to revert; the answer with the
/// kernel's own refusal in it is printed, whether or not the test's other output is.
pub(crate) fn nothing_like_it_here(answer: &str) {
    use std::io::Write;
    // Not by a macro, whose output a passing test does not show.
    let _unseen = writeln!(std::io::stderr(), "this kernel has nothing like it: {answer}");
}

/// Whether it is of this version or a newer one.
pub(crate) fn is_from(major: u32, minor: u32) -> bool {
    let mut numbers = capabilities().kernel.split(['.', '-']).map_while(|number| number.parse().ok());
    (numbers.next(), numbers.next()) >= (Some(major), Some(minor))
}
