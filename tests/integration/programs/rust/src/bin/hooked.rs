//! Says in which order its hooks were called, and lets them fail.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::process::ExitCode;
use std::rc::Rc;

use groundhog::{Failure, Server};

/// What has been called, in its order.
#[derive(Clone, Default)]
struct Order(Rc<RefCell<Vec<&'static str>>>);

impl Order {
    fn text(&self) -> String {
        self.0.borrow().join(" ")
    }

    fn note(&self, name: &'static str) -> impl FnMut() -> Result<(), Failure> + 'static {
        let order = self.clone();
        move || {
            order.0.borrow_mut().push(name);
            Ok(())
        }
    }
}

fn fail_if(exists: &str, text: &str) -> Result<(), Failure> {
    if Path::new(exists).exists() { Err(text.into()) } else { Ok(()) }
}

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let flag = arguments.next().unwrap_or_default();
    let order = Order::default();
    let mut server = Server::new();
    if let Some(text) = arguments.next() {
        server.before_snapshot(move || Err(text.clone().into()));
    }
    server.before_snapshot(order.note("before-1")).before_snapshot(order.note("before-2"));
    let log = format!("{flag}.log");
    if Path::new(&log).exists() {
        let (seen, fails) = (order.clone(), format!("{flag}.fails"));
        server.before_restore(move || {
            Ok(writeln!(OpenOptions::new().append(true).open(&log)?, "{}", seen.text())?)
        });
        server.before_restore(move || fail_if(&fails, "nobody listens"));
        server.before_restore(order.note("finish"));
    }
    let mut last = order.note("after-2");
    server
        .after_restore(order.note("after-1"))
        .after_restore(move || fail_if(&flag, "a hook has failed").and_then(|()| last()));
    server.serve(move |request| {
        assert!(!request.contains("panic"), "out of order");
        if request.contains("fail") {
            return Err("said \"no\"\n");
        }
        print!("out of {}", request.len());
        eprint!("err");
        Ok(format!("{{\"order\":\"{}\",\n\"pid\":{}}}\n", order.text(), std::process::id()))
    })
}
