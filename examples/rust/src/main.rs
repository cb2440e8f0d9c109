//! Sells tickets of a raffle. No two may be the same, though each request starts from the same snapshot.
#![forbid(unsafe_code)]

use std::convert::Infallible;
use std::process::ExitCode;

use rand::Rng as _;

fn main() -> ExitCode {
    let mut server = groundhog::Server::new();
    server.on_seed(|_| rand::rng().reseed().expect("the kernel gives random numbers"));
    server.serve(|_request| {
        let (ticket, number) = (rand::random::<u64>(), rand::rng().random_range(0..1_000_000_000));
        Ok::<_, Infallible>(format!(r#"{{"ticket":"{ticket:016x}","number":{number}}}"#))
    })
}
