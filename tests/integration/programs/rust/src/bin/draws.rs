//! Draws from what generators Rust programs use.
#![forbid(unsafe_code)]

use std::cell::RefCell;
use std::convert::Infallible;
use std::process::ExitCode;
use std::rc::Rc;

use rand::rngs::{OsRng, StdRng};
use rand::{Rng as _, SeedableRng as _, TryRngCore as _};

fn main() -> ExitCode {
    let named = Rc::new(RefCell::new(StdRng::from_seed([1; groundhog::SEED_BYTES])));
    let mut not_named = StdRng::from_seed([2; groundhog::SEED_BYTES]);
    let seeded = Rc::clone(&named);
    let mut server = groundhog::Server::new();
    server.on_seed(move |seed| *seeded.borrow_mut() = StdRng::from_seed(*seed));
    server.on_seed(|_| rand::rng().reseed().expect("the kernel gives random numbers"));
    server.serve(move |_request| {
        Ok::<_, Infallible>(format!(
            r#"{{"named":{},"rand::rng":{},"uuid":"{}","kernel":{},"not named":{}}}"#,
            named.borrow_mut().random::<u64>() >> 12,
            rand::random::<u64>() >> 12,
            uuid::Uuid::new_v4(),
            OsRng.try_next_u64().expect("the kernel gives random numbers") >> 12,
            not_named.random::<u64>() >> 12,
        ))
    })
}
